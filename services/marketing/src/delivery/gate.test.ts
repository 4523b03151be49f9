import { ConsentState, Contactability, PartyState } from '@rapport/proto/customer/v1';
import { DeliveryDecision, DeliveryReason, GateCheckKind } from '@rapport/proto/marketing/v1';
import { Channel } from '@rapport/proto/type/v1';
import fc from 'fast-check';
import { DateTime } from 'luxon';
import { backOff, capUntil, decide, type GateFacts, inHoldout, opensAt, quietUntil } from './gate.js';

const now = new Date('2026-03-16T11:00:00Z');
const contact = Contactability.fromJSON({
  party: 'parties/1',
  address: 'somebody@example.com',
  consentState: ConsentState.CONSENT_STATE_GRANTED,
  timeZone: 'Europe/Prague',
  state: PartyState.PARTY_STATE_ACTIVE,
  organisationPath: '/demo/prague',
});
const open: GateFacts = {
  now,
  channel: Channel.CHANNEL_EMAIL,
  purpose: 'marketing',
  organisationPath: '/demo',
  paused: false,
  duplicate: false,
  holdout: false,
  suppressed: false,
  contact,
  policy: { caps: [{ purpose: '', messages: 2, days: 7 }], quiet: { start: '21:00', end: '08:00' } },
  messages: [],
  attempts: 0,
};
const ago = (hours: number) => ({ purpose: 'marketing', time: new Date(now.getTime() - hours * 3_600_000) });

describe('the gate', () => {
  it('lets pass what passes every check, in the declared order', () => {
    const { decision, checks } = decide(open);
    expect(decision).toBe(DeliveryDecision.DELIVERY_DECISION_SENT);
    expect(checks.map(({ kind }) => kind)).toEqual([
      GateCheckKind.GATE_CHECK_KIND_SUPPRESSION,
      GateCheckKind.GATE_CHECK_KIND_FREQUENCY_CAP,
      GateCheckKind.GATE_CHECK_KIND_QUIET_HOURS,
      GateCheckKind.GATE_CHECK_KIND_CONSENT,
      GateCheckKind.GATE_CHECK_KIND_REACHABILITY,
    ]);
  });

  // Each of these breaks everything that a later check looks at, so the earlier one must be the one that is named.
  const wrongs: [DeliveryReason, Partial<GateFacts>][] = [
    [DeliveryReason.DELIVERY_REASON_SAME_CUSTOMER, { duplicate: true }],
    [DeliveryReason.DELIVERY_REASON_CAMPAIGN_PAUSED, { paused: true }],
    [DeliveryReason.DELIVERY_REASON_HOLDOUT, { holdout: true }],
    [DeliveryReason.DELIVERY_REASON_ON_SUPPRESSION_LIST, { suppressed: true }],
    [DeliveryReason.DELIVERY_REASON_FREQUENCY_CAP, { messages: [ago(1), ago(2)] }],
    [DeliveryReason.DELIVERY_REASON_QUIET_HOURS, { now: new Date('2026-03-16T23:00:00Z') }],
    [
      DeliveryReason.DELIVERY_REASON_CONSENT_WITHDRAWN,
      { contact: { ...contact, consentState: ConsentState.CONSENT_STATE_WITHDRAWN } },
    ],
  ];
  it.each(wrongs.map(([reason], index) => [DeliveryReason[reason], index] as const))(
    'names %s first',
    (_name, from) => {
      const facts = wrongs.slice(from).reduceRight<GateFacts>((all, [, wrong]) => ({ ...all, ...wrong }), open);
      expect(decide(facts).reason).toBe(wrongs[from]?.[0]);
    },
  );

  it.each([
    [DeliveryReason.DELIVERY_REASON_CUSTOMER_UNAVAILABLE, { contact: 'unavailable' as const }],
    [DeliveryReason.DELIVERY_REASON_PARTY_NOT_FOUND, { contact: undefined }],
    [DeliveryReason.DELIVERY_REASON_PARTY_NOT_FOUND, { contact: { ...contact, organisationPath: '/demonstration' } }],
    [DeliveryReason.DELIVERY_REASON_NO_CONTACT_POLICY, { policy: undefined }],
    [DeliveryReason.DELIVERY_REASON_QUIET_HOURS, { contact: { ...contact, timeZone: 'Nowhere/Land' } }],
    [DeliveryReason.DELIVERY_REASON_QUIET_HOURS, { contact: { ...contact, timeZone: '' } }],
    [DeliveryReason.DELIVERY_REASON_NO_CONSENT, { contact: { ...contact, consentState: 0 } }],
    [DeliveryReason.DELIVERY_REASON_NO_CONSENT, { contact: { ...contact, consentState: ConsentState.UNRECOGNIZED } }],
    [
      DeliveryReason.DELIVERY_REASON_CONSENT_EXPIRED,
      { contact: { ...contact, consentState: ConsentState.CONSENT_STATE_EXPIRED } },
    ],
    [
      DeliveryReason.DELIVERY_REASON_PARTY_RESTRICTED,
      { policy: undefined, contact: { ...contact, state: PartyState.PARTY_STATE_RESTRICTED, consentState: 0 } },
    ],
    [DeliveryReason.DELIVERY_REASON_PARTY_NOT_ACTIVE, { contact: { ...contact, state: 0 } }],
    [DeliveryReason.DELIVERY_REASON_NO_ADDRESS, { contact: { ...contact, address: '' } }],
  ])('fails closed: %s', (reason, wrong: Partial<GateFacts>) => {
    const verdict = decide({ ...open, ...wrong });
    expect(verdict.reason).toBe(reason);
    expect(verdict.decision).not.toBe(DeliveryDecision.DELIVERY_DECISION_SENT);
    expect(verdict.checks.at(-1)?.passed).toBe(false);
    for (const { finding, findings } of verdict.checks) {
      expect(finding).not.toBe('');
      expect(findings.map(({ code }) => code)).not.toContain(0);
    }
  });

  it('gives everything that is held a time in the future', () => {
    fc.assert(
      fc.property(
        fc.record({
          paused: fc.boolean(),
          contact: fc.constantFrom(contact, 'unavailable' as const),
          policy: fc.constantFrom(undefined, open.policy),
          messages: fc.array(fc.integer({ min: 0, max: 400 }).map(ago), { maxLength: 6 }),
          attempts: fc.nat(1000),
          now: fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }),
        }),
        (wish) => {
          const verdict = decide({ ...open, ...wish });
          const held = verdict.decision === DeliveryDecision.DELIVERY_DECISION_HELD;
          expect(verdict.retryTime !== undefined).toBe(held);
          if (verdict.retryTime) expect(verdict.retryTime.getTime()).toBeGreaterThan(wish.now.getTime());
        },
      ),
    );
  });
});

describe('quiet hours', () => {
  it.each([
    ['21:00', '08:00', '2026-03-16T19:59:59Z', undefined],
    ['21:00', '08:00', '2026-03-16T20:00:00Z', '2026-03-17T07:00:00.000Z'],
    ['21:00', '08:00', '2026-03-17T06:59:59Z', '2026-03-17T07:00:00.000Z'],
    ['21:00', '08:00', '2026-03-17T07:00:00Z', undefined],
    ['12:00', '13:00', '2026-03-16T11:30:00Z', '2026-03-16T12:00:00.000Z'],
    // The night in which the clock goes forward: eight o'clock comes an hour sooner.
    ['21:00', '08:00', '2026-03-28T22:00:00Z', '2026-03-29T06:00:00.000Z'],
    // The night in which it goes back.
    ['21:00', '08:00', '2026-10-24T22:00:00Z', '2026-10-25T07:00:00.000Z'],
  ])('%s to %s at %s in Prague last until %s', (start, end, at, until) => {
    const found = quietUntil(new Date(at), { start, end }, 'Europe/Prague');
    expect(found instanceof Date ? found.toISOString() : found).toBe(until);
  });

  it('never end inside themselves', () => {
    const clock = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map(([h, m]) => [h, m].map((n) => String(n).padStart(2, '0')).join(':'));
    const date = fc.date({ min: new Date('2024-01-01'), max: new Date('2028-01-01'), noInvalidDate: true });
    const zone = fc.constantFrom('Europe/Prague', 'Asia/Shanghai', 'America/New_York', 'Australia/Lord_Howe');
    fc.assert(
      fc.property(clock, clock, date, zone, (start, end, at, timeZone) => {
        fc.pre(start !== end);
        const until = quietUntil(at, { start, end }, timeZone);
        if (!(until instanceof Date)) return;
        expect(until.getTime()).toBeGreaterThan(at.getTime());
        expect(until.getTime() - at.getTime()).toBeLessThanOrEqual(25 * 3_600_000);
        // The clock may not show the end on a night that has no such minute; then the next minute that exists counts.
        const shown = DateTime.fromJSDate(until, { zone: timeZone }).toFormat('HH:mm');
        if (shown === end) expect(quietUntil(until, { start, end }, timeZone)).toBeUndefined();
      }),
    );
  });
});

describe('contact hours', () => {
  const weekdays = { days: [1, 2, 3, 4, 5], start: '09:00', end: '17:00' };
  const saturday = { days: [6], start: '10:00', end: '24:00' };
  it.each([
    // 16 March 2026 is a Monday.
    [[], '2026-03-16T02:00:00Z', undefined],
    [[weekdays], '2026-03-16T07:59:59Z', '2026-03-16T08:00:00.000Z'],
    [[weekdays], '2026-03-16T08:00:00Z', undefined],
    [[weekdays], '2026-03-16T16:00:00Z', '2026-03-17T08:00:00.000Z'],
    [[weekdays], '2026-03-20T16:00:00Z', '2026-03-23T08:00:00.000Z'],
    [[weekdays, saturday], '2026-03-20T16:00:00Z', '2026-03-21T09:00:00.000Z'],
    [[saturday], '2026-03-21T22:59:59Z', undefined],
    [[saturday], '2026-03-21T23:00:00Z', '2026-03-28T09:00:00.000Z'],
    // Over the weekend the clock goes forward.
    [[weekdays], '2026-03-27T16:00:00Z', '2026-03-30T07:00:00.000Z'],
    [[{ ...weekdays, days: [] }], '2026-03-21T16:00:00Z', '2026-03-22T08:00:00.000Z'],
  ])('%j at %s in Prague open at %s', (windows, at, opening) => {
    const found = opensAt(new Date(at), windows, 'Europe/Prague');
    expect(found instanceof Date ? found.toISOString() : found).toBe(opening);
  });

  it('hold a message until they begin, and what has no known zone', () => {
    const liked = { ...contact, contactWindows: [{ days: [2], start: '09:00', end: '17:00' }] };
    expect(decide({ ...open, contact: liked })).toMatchObject({
      decision: DeliveryDecision.DELIVERY_DECISION_HELD,
      reason: DeliveryReason.DELIVERY_REASON_CONTACT_HOURS,
      retryTime: new Date('2026-03-17T08:00:00Z'),
    });
    const policy = { caps: [], quiet: undefined };
    const lost = { ...liked, timeZone: 'Nowhere/Land' };
    expect(decide({ ...open, policy, contact: lost }).reason).toBe(DeliveryReason.DELIVERY_REASON_CONTACT_HOURS);
  });
});

describe('a frequency cap', () => {
  const cap = { purpose: '', messages: 2, days: 7 };

  it('counts the messages of the window, its edge excluded', () => {
    expect(capUntil(cap, [ago(1), ago(24 * 7)], now)).toEqual({ counted: 1, until: undefined });
    expect(capUntil(cap, [ago(1), ago(24 * 7 - 1)], now)).toEqual({
      counted: 2,
      until: new Date(now.getTime() + 3_600_000),
    });
  });

  it('of a purpose counts that purpose alone', () => {
    const service = { purpose: 'service', time: now };
    expect(capUntil({ ...cap, purpose: 'marketing' }, [service, service], now).until).toBeUndefined();
    expect(capUntil(cap, [service, service], now).until).toBeDefined();
  });

  it('allows the next message at the moment it says, and not before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 200 }).map(ago), { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        (messages, most) => {
          const own = { ...cap, messages: most };
          const { until } = capUntil(own, messages, now);
          if (!until) return;
          expect(capUntil(own, messages, until).until).toBeUndefined();
          expect(capUntil(own, messages, new Date(until.getTime() - 1)).until).toBeDefined();
        },
      ),
    );
  });
});

it('puts about as many into the holdout as it should, and the same ones each time', () => {
  const parties = Array.from({ length: 2000 }, (_, index) => `party-${index}`);
  const chosen = parties.filter((party) => inHoldout('campaign', party, 20));
  expect(chosen.length).toBeGreaterThan(320);
  expect(chosen.length).toBeLessThan(480);
  expect(parties.filter((party) => inHoldout('campaign', party, 20))).toEqual(chosen);
  expect(parties.filter((party) => inHoldout('another', party, 20))).not.toEqual(chosen);
  expect(parties.some((party) => inHoldout('campaign', party, 0))).toBe(false);
});

it('waits longer each time and not for ever', () => {
  expect([0, 1, 2, 3, 4, 5, 1000].map((attempts) => backOff(attempts, 2000, 300_000))).toEqual([
    2000, 8000, 32_000, 128_000, 300_000, 300_000, 300_000,
  ]);
});
