import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CaseClosed, CaseOpened, CasePriority } from '@rapport/proto/cases/v1';
import {
  HoldingKind,
  HoldingOpened,
  PartyCreated,
  PartyKind,
  Sex,
  TransactionBooked,
  TransactionDirection,
  TransactionOperation,
} from '@rapport/proto/customer/v1';
import { DeliveryDecision, DeliveryReason, MessageSuppressed, ReferralWon } from '@rapport/proto/marketing/v1';
import { MembershipReason, SegmentEntered } from '@rapport/proto/segmentation/v1';
import { Channel } from '@rapport/proto/type/v1';
import { happened } from '../reporting.testkit.js';
import { factDimensions, factKinds } from './fact.js';
import { factEvents, factOf } from './read-events.js';

const zone = 'Europe/Prague';
const id = '0190f000-0000-7000-8000-000000000001';
const meta = { id, occurred: new Date('2026-03-01T23:30:00Z') };

test('hears every event of every other service', () => {
  const proto = join(__dirname, '../../../../proto/rapport');
  const files = ['cases/v1/events', 'customer/v1/events', 'customer/v1/golden_events', 'marketing/v1/events'];
  const published = [...files, 'performance/v1/events', 'segmentation/v1/events'].flatMap((file) =>
    [...readFileSync(join(proto, `${file}.proto`), 'utf8').matchAll(/^message (\w+) \{/gm)].map(
      ([, name]) => `rapport.${file.split('/')[0]}.v1.${name}`,
    ),
  );
  expect(factEvents.map(({ $type }) => $type).sort()).toEqual(published.sort());
});

test('makes a fact of its own kind of each', () => {
  const kinds = factEvents.map(({ $type, decode }) => {
    const row = factOf({ type: $type, event: decode(new Uint8Array()), meta }, zone);
    expect(row).toMatchObject({ event_id: id, occurred_date: '2026-03-02', recorded_time: meta.occurred });
    return row.fact;
  });
  expect(kinds.sort()).toEqual([...factKinds]);
});

test('keeps what figures need and nothing of a person', () => {
  const event = happened(
    PartyCreated,
    {
      party: 'parties/0190f000-0000-7000-8000-00000000beef',
      organisationPath: '/berka/prague',
      kind: PartyKind.PARTY_KIND_PERSON,
      sex: Sex.SEX_FEMALE,
      birthDate: { year: 1970, month: 12, day: 13 },
      region: 'Prague',
      district: 'Hl.m. Praha',
      branch: '1',
      relationshipManager: 'staff/novak',
      source: 'berka',
      createTime: new Date('2026-03-01T10:00:00Z'),
    },
    meta,
  );
  const row = factOf(event, zone);
  expect(row).toEqual({
    fact: 'parties',
    event_id: id,
    occurred_date: '2026-03-01',
    recorded_time: meta.occurred,
    organisation_path: '/berka/prague',
    party_kind: 'person',
    region: 'Prague',
    district: 'Hl.m. Praha',
    branch: '1',
    source: 'berka',
  });
});

test.each([
  [
    happened(
      TransactionBooked,
      {
        organisationPath: '/berka',
        direction: TransactionDirection.TRANSACTION_DIRECTION_DEBIT,
        operation: TransactionOperation.TRANSACTION_OPERATION_CASH_WITHDRAWAL,
        holdingKind: HoldingKind.HOLDING_KIND_ACCOUNT,
        amount: { minorUnits: 9_007_199_254_740_993n, currencyCode: 'CZK' },
        bookingDate: { year: 1994, month: 3, day: 31 },
        purpose: 'pension',
      },
      meta,
    ),
    {
      fact: 'transactions',
      occurred_date: '1994-03-31',
      direction: 'debit',
      operation: 'cash_withdrawal',
      holding_kind: 'account',
      amount_minor: 9_007_199_254_740_993n,
      currency: 'CZK',
    },
  ],
  [
    happened(HoldingOpened, { organisationPath: '/berka', kind: HoldingKind.HOLDING_KIND_STANDING_ORDER }, meta),
    { fact: 'holdings', occurred_date: '2026-03-02', holding_kind: 'standing_order' },
  ],
  [
    happened(
      SegmentEntered,
      {
        segment: 'segments/savers',
        version: 2,
        organisationPath: '/berka',
        reason: MembershipReason.MEMBERSHIP_REASON_EVENT,
        enterTime: new Date('2026-03-01T22:59:59Z'),
      },
      meta,
    ),
    { fact: 'segment_entries', occurred_date: '2026-03-01', segment: 'savers', reason: 'event' },
  ],
  [
    happened(
      MessageSuppressed,
      {
        campaign: 'campaigns/c1',
        channel: Channel.CHANNEL_EMAIL,
        purpose: 'marketing',
        decision: DeliveryDecision.DELIVERY_DECISION_HOLDOUT,
        reason: DeliveryReason.DELIVERY_REASON_HOLDOUT,
      },
      { ...meta, organisationPath: '/berka/2' },
    ),
    {
      fact: 'suppressions',
      organisation_path: '/berka/2',
      campaign: 'c1',
      channel: 'email',
      decision: 'holdout',
      reason: 'holdout',
    },
  ],
  [
    happened(
      ReferralWon,
      {
        product: 'products/loan',
        fromUnit: 'organisationUnits/prague',
        amount: { minorUnits: 5n, currencyCode: 'EUR' },
      },
      meta,
    ),
    { fact: 'referrals_won', product: 'loan', unit: 'prague', amount_minor: 5n, currency: 'EUR' },
  ],
  [
    happened(
      CaseOpened,
      { type: 'caseTypes/complaint', isComplaint: true, priority: CasePriority.CASE_PRIORITY_HIGH, branch: '' },
      meta,
    ),
    { fact: 'cases_opened', case_type: 'complaint', complaint: 'true', priority: 'high', unit: '' },
  ],
  [
    happened(
      CaseClosed,
      {
        type: 'caseTypes/request',
        resolvedInTime: true,
        receiveTime: new Date('2026-02-01T00:00:00Z'),
        closeTime: new Date('2026-02-01T01:00:00.400Z'),
      },
      meta,
    ),
    { fact: 'cases_closed', in_time: 'true', seconds: 3600, occurred_date: '2026-02-01' },
  ],
])('reads the content of an event', (event, content) => {
  const row = factOf(event, zone);
  expect(row).toMatchObject(content);
  const known = new Set(['fact', 'event_id', 'occurred_date', 'recorded_time', 'amount_minor', 'score', 'seconds']);
  const columns = Object.keys(row).filter((column) => !known.has(column));
  expect(columns.filter((column) => !(factDimensions as readonly string[]).includes(column))).toEqual([]);
});

test.each([
  [{ year: 1850, month: 1, day: 1 }, '1900-01-01'],
  [{ year: 9999, month: 1, day: 1 }, '2299-12-31'],
  [{ year: 1995, month: 2, day: 30 }, '2026-03-02'],
  [{ year: 1995, month: 0, day: 0 }, '2026-03-02'],
])('stores a day that the engine cannot hold, or that is none, without losing the fact: %j', (bookingDate, stored) => {
  expect(factOf(happened(TransactionBooked, { bookingDate }, meta), zone).occurred_date).toBe(stored);
});

test('does not pretend to know other events', () => {
  expect(() => factOf({ type: 'rapport.customer.v1.PartyErased', event: {}, meta }, zone)).toThrow('PartyErased');
});
