import type { EventMeta } from '@rapport/kit/events';
import { CaseClosed, SurveyAnswered } from '@rapport/proto/cases/v1';
import { HoldingOpened } from '@rapport/proto/customer/v1';
import { ReferralWon } from '@rapport/proto/marketing/v1';
import { FactKind } from '@rapport/proto/performance/v1';
import fc from 'fast-check';
import { caseClosed, holdingOpened, referralWon, surveyAnswered } from './achievements.js';

const occurred = new Date('1994-03-31T10:00:00Z');
const meta = { id: 'event', type: 'type', occurred } as EventMeta;
const told = { eventId: 'event', eventType: 'type', organisationPath: '/berka' };

test('a referral gives each employee the share, together exactly one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), (creditSplitBasisPoints) => {
      const event = { fromStaff: 'staff/a', toStaff: 'staff/b', creditSplitBasisPoints, closeTime: occurred };
      const facts = referralWon(ReferralWon.fromPartial({ ...event, organisationPath: '/berka' }), meta);
      const share = (staff: string) => facts.find((fact) => fact.staff === staff)?.value ?? 0n;
      expect(share('staff/a')).toBe(BigInt(creditSplitBasisPoints) / 10n);
      expect(share('staff/a') + share('staff/b')).toBe(1_000n);
      expect(facts.every((fact) => fact.value > 0n)).toBe(true);
    }),
  );
  const alone = { fromStaff: 'staff/a', toStaff: 'staff/a', creditSplitBasisPoints: 3_000, organisationPath: '/berka' };
  expect(referralWon(ReferralWon.fromPartial(alone), meta)).toEqual([
    { ...told, staff: 'staff/a', kind: FactKind.FACT_KIND_REFERRAL_WON, value: 1_000n, occurred },
  ]);
});

test('a closed case counts for who has it, twice when it was resolved in time', () => {
  const event = { case: 'cases/1', assignee: 'staff/a', organisationPath: '/berka', closeTime: new Date(0) };
  const closed = { ...told, staff: 'staff/a', value: 1_000n, occurred: new Date(0), onceFor: 'cases/1' };
  expect(caseClosed(CaseClosed.fromPartial(event), meta)).toEqual([
    { ...closed, kind: FactKind.FACT_KIND_CASE_CLOSED },
  ]);
  expect(caseClosed(CaseClosed.fromPartial({ ...event, resolvedInTime: true }), meta).map((fact) => fact.kind)).toEqual(
    [FactKind.FACT_KIND_CASE_CLOSED, FactKind.FACT_KIND_CASE_CLOSED_IN_TIME],
  );
  expect(caseClosed(CaseClosed.fromPartial({ ...event, assignee: '' }), meta)).toEqual([]);
});

test('an answered survey counts with its score', () => {
  const event = { case: 'cases/1', assignee: 'staff/a', organisationPath: '/berka', score: 4 };
  expect(surveyAnswered(SurveyAnswered.fromPartial(event), meta)).toEqual([
    { ...told, staff: 'staff/a', kind: FactKind.FACT_KIND_SURVEY_SCORE, value: 4_000n, occurred },
  ]);
  expect(surveyAnswered(SurveyAnswered.fromPartial({ ...event, assignee: '' }), meta)).toEqual([]);
});

test('a holding counts on the day it was opened, for who looks after the owner', () => {
  const openedDate = { year: 1993, month: 2, day: 3 };
  const event = { relationshipManager: 'staff/a', openedDate, organisationPath: '/berka' };
  expect(holdingOpened(HoldingOpened.fromPartial(event), meta)).toEqual([
    { ...told, staff: 'staff/a', kind: FactKind.FACT_KIND_HOLDING_OPENED, value: 1_000n, occurred: openedDate },
  ]);
  expect(holdingOpened(HoldingOpened.fromPartial({ ...event, openedDate: undefined }), meta)).toEqual([]);
  expect(holdingOpened(HoldingOpened.fromPartial({ ...event, relationshipManager: '' }), meta)).toEqual([]);
});
