import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, openAnalytics } from '@rapport/kit/analytics';
import {
  BehaviourChanged,
  BehaviourRecorded,
  GoalKind,
  GoalReached,
  GoalSet,
  HoldingKind,
  HoldingOpened,
  HoldingRole,
  HoldingUpdated,
  HouseholdChanged,
  HouseholdKind,
  HouseholdRole,
  InteractionDirection,
  InteractionRecorded,
  LifeEventKind,
  LifeEventRecorded,
  LifeEventRetracted,
  MeasureKind,
  PartyCreated,
  PartyUpdated,
  TagRemoved,
  TagSet,
  TagSource,
  TransactionBooked,
  TransactionRecategorised,
} from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import { compileRules, readRule } from '../rule/rule.js';
import {
  eraseFacts,
  type FactEvent,
  factsOf,
  factTables,
  membersOf,
  partyTables,
  recategorise,
  storeFacts,
} from './fact.js';

const id = (number: number) => `00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
const [anna, berta] = [`parties/${id(1)}`, `parties/${id(2)}`];
const account = `${anna}/holdings/${id(3)}`;
const day = (number: number) => ({
  year: Math.floor(number / 10_000),
  month: Math.floor(number / 100) % 100,
  day: number % 100,
});
const at = (text: string) => new Date(`${text}:00Z`);

let count = 0;
function told<T extends FactEvent['type']>(type: T, event: Extract<FactEvent, { type: T }>['event']): FactEvent {
  count += 1;
  const hex = (1_700_000_000_000 + count).toString(16).padStart(12, '0');
  const meta = {
    id: `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`,
    type,
    aggregate: '',
    time: new Date(),
    occurred: new Date(),
    sequence: count,
    traceparent: `trace-${count}`,
    partition: 0,
  };
  return { type, event, meta } as FactEvent;
}

describe('what events tell', () => {
  const folder = mkdtempSync(join(tmpdir(), 'segmentation-facts-'));
  let analytics: Analytics;

  beforeAll(async () => {
    analytics = openAnalytics({ path: folder });
    await analytics.ensure(factTables);
    // As at every start.
    await analytics.ensure(factTables);
    await hear(
      [anna, berta].map((party) =>
        told(PartyCreated.$type, PartyCreated.fromJSON({ party, organisationPath: '/demo', language: 'cs' })),
      ),
    );
  }, 60_000);

  afterAll(async () => {
    await analytics.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Takes a batch as the consumer does, once more than is needed. */
  async function hear(events: FactEvent[]) {
    const facts = factsOf(events);
    for (let times = 0; times < 2; times += 1) {
      await storeFacts(analytics, facts.rows);
      await recategorise(analytics, facts.recategorised);
    }
    return facts;
  }

  async function taken(text: string, asOf = 20260331, merged = false, looked = [1, 2]): Promise<string[]> {
    const read = readRule(text);
    if ('problem' in read) throw new Error(`${text}: ${read.problem.message}`);
    const { from, conditions, parameters } = compileRules([{ rule: read.rule, asOf }], 'Europe/Prague', {
      restricted: true,
      merged,
    });
    const rows = await analytics.query<{ party: string }>(
      `SELECT toString(p.party) AS party FROM ${from} WHERE ${conditions[0]} ORDER BY party`,
      { ...parameters, parties: looked.map(id) },
    );
    return rows.map(({ party }) => (party === id(1) ? 'anna' : 'berta'));
  }

  test('a tag holds until it ends on every ground', async () => {
    const tag = { party: anna, definition: 'tagDefinitions/home-owner', organisationPath: '/demo' };
    const { touched } = await hear([
      told(TagSet.$type, {
        ...TagSet.fromJSON({ ...tag, source: TagSource.TAG_SOURCE_STAFF }),
        setTime: at('2026-03-01T10:00'),
        expireTime: at('2026-03-20T10:00'),
      }),
      told(TagSet.$type, {
        ...TagSet.fromJSON({ ...tag, source: TagSource.TAG_SOURCE_MODEL, reference: 'm1' }),
        setTime: at('2026-03-02T10:00'),
      }),
      told(TagRemoved.$type, {
        ...TagRemoved.fromJSON({ ...tag, source: TagSource.TAG_SOURCE_MODEL, reference: 'm1', stillHeld: true }),
        removeTime: at('2026-03-10T10:00'),
      }),
    ]);
    expect([...touched.keys()]).toEqual([id(1)]);
    expect(await taken('tag.has("home-owner")', 20260228)).toEqual([]);
    expect(await taken('tag.has("home-owner", "model")', 20260309)).toEqual(['anna']);
    expect(await taken('tag.has("home-owner", "model")', 20260310)).toEqual([]);
    expect(await taken('tag.has("home-owner")', 20260319)).toEqual(['anna']);
    expect(await taken('tag.has("home-owner")', 20260320)).toEqual([]);
  });

  test('when one leaves a household, it is smaller for those who stay, and they are told of', async () => {
    const changed = (party: string, role: HouseholdRole, members: number, time: string) =>
      told(HouseholdChanged.$type, {
        ...HouseholdChanged.fromJSON({ party, household: `households/${id(9)}`, role, members }),
        kind: HouseholdKind.HOUSEHOLD_KIND_FAMILY,
        changeTime: at(time),
      });
    await hear([
      changed(anna, HouseholdRole.HOUSEHOLD_ROLE_HEAD, 2, '2026-03-01T10:00'),
      changed(berta, HouseholdRole.HOUSEHOLD_ROLE_DEPENDANT, 2, '2026-03-01T10:00'),
    ]);
    const left = changed(berta, HouseholdRole.HOUSEHOLD_ROLE_UNSPECIFIED, 1, '2026-03-10T10:00');
    const { households } = await hear([left]);
    expect(await taken('household.size() == 2', 20260309)).toEqual(['anna', 'berta']);
    expect(await taken('household.size() == 1')).toEqual(['anna']);
    expect(await taken('household.size() >= 1')).toEqual(['anna']);
    expect(await taken('household.role() == "child"', 20260309)).toEqual(['berta']);
    expect(await taken('household.size("corporate_group") >= 1', 20260309)).toEqual([]);
    expect(await membersOf(analytics, households)).toEqual(
      new Map([
        [id(1), left.meta.traceparent],
        [id(2), left.meta.traceparent],
      ]),
    );
  });

  test('life events count from their day, not when they were taken back, and not those of class C3', async () => {
    const event = (number: number, kind: LifeEventKind, more: object = {}) =>
      told(
        LifeEventRecorded.$type,
        LifeEventRecorded.fromJSON({
          party: anna,
          lifeEvent: `${anna}/lifeEvents/${id(number)}`,
          kind,
          startDate: day(20260310),
          ...more,
        }),
      );
    const { rows } = await hear([
      event(20, LifeEventKind.LIFE_EVENT_KIND_BIRTH),
      event(21, LifeEventKind.LIFE_EVENT_KIND_MOVE),
      event(22, LifeEventKind.LIFE_EVENT_KIND_DIVORCE),
      event(23, LifeEventKind.LIFE_EVENT_KIND_OTHER, { otherKind: 'sabbatical' }),
    ]);
    expect(JSON.stringify(rows.get('life_event'), (_, value: unknown) => String(value))).not.toContain('divorce');
    const window = 'duration("720h")';
    expect(await taken(`life_event.count("birth", ${window}) == 1 && life_event.count(${window}) == 3`)).toEqual([
      'anna',
    ]);
    expect(await taken(`life_event.count("sabbatical", ${window}) == 1`)).toEqual(['anna']);
    expect(await taken('life_event.last_days() >= 0', 20260309)).toEqual([]);
    await hear([
      told(
        LifeEventRetracted.$type,
        LifeEventRetracted.fromJSON({ party: anna, lifeEvent: `${anna}/lifeEvents/${id(20)}` }),
      ),
    ]);
    expect(await taken(`life_event.count("birth", ${window}) > 0`)).toEqual([]);
    const refused = readRule(`life_event.count("divorce", ${window}) > 0`);
    expect(refused).toMatchObject({ problem: { reason: 'ARGUMENT_INVALID', message: expect.stringContaining('C3') } });
  });

  test('contacts and changes of behaviour count in their window', async () => {
    await hear([
      told(InteractionRecorded.$type, {
        ...InteractionRecorded.fromJSON({ party: berta, interaction: `${berta}/interactions/${id(30)}` }),
        channel: Channel.CHANNEL_PHONE,
        direction: InteractionDirection.INTERACTION_DIRECTION_INBOUND,
        kind: 'complaint',
        time: at('2026-03-15T21:30'),
      }),
      told(BehaviourChanged.$type, {
        ...BehaviourChanged.fromJSON({ party: berta, behaviourChange: `${berta}/behaviourChanges/${id(31)}` }),
        measure: { kind: MeasureKind.MEASURE_KIND_SPENDING, code: 'groceries:CZK' },
        deviations: -4,
        noticeDate: day(20260316),
      }),
    ]);
    const both =
      'interaction.count({"direction": "inbound", "channel": "phone", "kind": "complaint"}, duration("720h")) == 1 && ' +
      'behaviour.changes({"measure": "spending", "code": "groceries:CZK", "direction": "less"}, duration("720h")) == 1';
    expect(await taken(both)).toEqual(['berta']);
    expect(await taken(both, 20260315)).toEqual([]);
    const sequence =
      'sequence.days({"event": "interaction", "kind": "complaint"}, {"event": "behaviour_change"}, duration("24h"), duration("720h"))';
    expect(await taken(`${sequence} == 1`)).toEqual(['berta']);
  });

  test('a limit stays known when a holding changes', async () => {
    const owners = [{ party: anna, role: HoldingRole.HOLDING_ROLE_OWNER }];
    const overdraft = { holding: `${anna}/holdings/${id(40)}`, kind: HoldingKind.HOLDING_KIND_OVERDRAFT, owners };
    const amount = { minorUnits: 2_000_000n, currencyCode: 'CZK' };
    const openedDate = day(20260301);
    await hear([told(HoldingOpened.$type, { ...HoldingOpened.fromJSON(overdraft), amount, openedDate })]);
    await hear([told(HoldingUpdated.$type, { ...HoldingUpdated.fromJSON(overdraft), amount, openedDate })]);
    expect(await taken('holdings.amount("overdraft") == 20000')).toEqual(['anna']);
  });

  test('a transaction is in the category it was put into last, whatever comes again', async () => {
    const transaction = `${account}/transactions/${id(50)}`;
    const booked = told(TransactionBooked.$type, {
      ...TransactionBooked.fromJSON({ transaction, holding: account, parties: [anna], category: 'travel' }),
      holdingKind: HoldingKind.HOLDING_KIND_ACCOUNT,
      bookingDate: day(20260310),
      amount: { minorUnits: 5_000n, currencyCode: 'CZK' },
    });
    const into = (category: string) =>
      told(TransactionRecategorised.$type, {
        ...TransactionRecategorised.fromJSON({ transaction, parties: [anna], category }),
        bookingDate: day(20260310),
      });
    const [first, second] = [into('groceries'), into('housing')];
    const of = (category: string) => taken(`tx.sum({"category": "${category}"}, duration("720h")) == 50`);
    await hear([booked, first]);
    expect(await of('groceries')).toEqual(['anna']);
    await hear([second]);
    await hear([first]);
    await hear([booked]);
    expect(await of('housing')).toEqual(['anna']);
    expect(await of('groceries')).toEqual([]);
    expect(await of('travel')).toEqual([]);
  });

  test('a golden record has what its members have, and each its own again after an unmerge', async () => {
    const ofBerta = 'interaction.count("phone", duration("720h")) == 1';
    const both = `${ofBerta} && holdings.amount("overdraft") == 20000 && household.size() == 1`;
    expect(await taken(ofBerta)).toEqual(['berta']);
    await analytics.insert('party_alias', [{ party: id(2), golden: id(1), version: 1 }]);
    expect(await taken(both, 20260331, true)).toEqual(['anna']);
    expect(await taken('true', 20260331, true)).toEqual(['anna']);
    // What only a member has is found where only the golden record is looked at.
    const group = {
      ...HouseholdChanged.fromJSON({ party: berta, household: `households/${id(10)}`, members: 5 }),
      kind: HouseholdKind.HOUSEHOLD_KIND_CORPORATE_GROUP,
      role: HouseholdRole.HOUSEHOLD_ROLE_MEMBER,
      changeTime: at('2026-03-01T10:00'),
    };
    await hear([told(HouseholdChanged.$type, group)]);
    expect(await taken('household.size("corporate_group") == 5', 20260331, true, [1])).toEqual(['anna']);
    expect(await taken(ofBerta, 20260331, true, [1])).toEqual(['anna']);
    // A tag that both have is one tag.
    const tag = { definition: 'vip', source: 'staff', reference: '', time: at('2026-03-01T10:00'), version: 1 };
    const held_until = at('2299-12-31T00:00');
    await analytics.insert('tag', [
      { ...tag, party: id(1), member: id(1), held_until },
      { ...tag, party: id(2), member: id(2), held_until },
    ]);
    expect(await taken('tag.has("vip")', 20260331, true)).toEqual(['anna']);
    // What is taken from one of its members the other still has.
    const ended = { time: at('2026-03-20T10:00'), held_until: at('1970-01-01T00:00'), version: 2 };
    await analytics.insert('tag', [{ ...tag, party: id(2), member: id(2), ...ended }]);
    expect(await taken('tag.has("vip")', 20260331, true)).toEqual(['anna']);
    await analytics.insert('party_alias', [{ party: id(2), golden: id(2), version: 2 }]);
    expect(await taken(ofBerta, 20260331, true)).toEqual(['berta']);
    expect(await taken('tag.has("vip")', 20260331, true)).toEqual(['anna']);
    expect(await taken('tag.has("vip")', 20260310, true)).toEqual(['anna', 'berta']);
  });

  test('what a party does and earns is known by words and by codes', async () => {
    const of = { party: anna, organisationPath: '/demo', birthDate: day(19800101) };
    await hear([
      told(PartyUpdated.$type, {
        ...PartyUpdated.fromJSON({ ...of, occupation: '2212', industry: 'K6419', education: 9 }),
        income: { minorUnits: 48_000_050n, currencyCode: 'CZK' },
      }),
    ]);
    expect(await taken('party.occupation == "professionals" && party.industry == "finance_insurance"')).toEqual([
      'anna',
    ]);
    expect(await taken('party.occupation_code.startsWith("221") && party.industry_code == "K6419"')).toEqual(['anna']);
    expect(await taken('party.education == "doctoral" && party.education_level == 8')).toEqual(['anna']);
    expect(await taken('party.income == 480000.5')).toEqual(['anna']);
    // Of Berta nothing is known: neither the one nor the other holds.
    expect(await taken('party.income < 1 || party.income >= 0 || party.occupation != "managers"')).toEqual(['anna']);
  });

  test('a goal counts until it is reached or given up, and can be taken up again', async () => {
    const goal = {
      party: anna,
      organisationPath: '/demo',
      goal: `${anna}/goals/${id(40)}`,
      kind: GoalKind.GOAL_KIND_HOME,
    };
    const target = { minorUnits: 100_000_00n, currencyCode: 'CZK' };
    const set = (time: string, over: object) =>
      told(GoalSet.$type, {
        ...GoalSet.fromJSON({ ...goal, state: 1 }),
        ...{ target, targetDate: day(20270101), setTime: at(time), ...over },
      });
    const reached = { ...GoalReached.fromJSON(goal), target, reachTime: at('2026-03-20T10:00') };
    await hear([
      set('2026-03-01T10:00', {}),
      set('2026-03-10T10:00', { target: { ...target, minorUnits: 50_000_00n } }),
      told(GoalReached.$type, reached),
    ]);
    expect(await taken('goals.has("home")', 20260228)).toEqual([]);
    expect(await taken('goals.has("home") && goals.target() == 100000', 20260309)).toEqual(['anna']);
    expect(await taken('goals.target("home") == 50000 && goals.days_left() == 297', 20260310)).toEqual(['anna']);
    expect(await taken('goals.has("travel")', 20260310)).toEqual([]);
    expect(await taken('goals.has()', 20260320)).toEqual([]);
    expect(await taken('goals.reached("home", duration("48h")) == 1', 20260320)).toEqual(['anna']);
    await hear([set('2026-03-25T10:00', { targetDate: undefined })]);
    expect(await taken('goals.has("home") && goals.reached(duration("720h")) == 1', 20260331)).toEqual(['anna']);
    // Without a day by which it is wanted nothing is left of it.
    expect(await taken('goals.days_left() >= 0', 20260331)).toEqual([]);
    await hear([set('2026-03-26T10:00', { state: 3 })]);
    expect(await taken('goals.has("home")', 20260331)).toEqual([]);
  });

  test('log-ins and pages count one by one, counterparties each once', async () => {
    const events = [
      { id: id(50), time: at('2026-03-30T10:00'), kind: 2, channel: Channel.CHANNEL_APP, topic: '' },
      { id: id(51), time: at('2026-03-30T11:00'), kind: 1, channel: Channel.CHANNEL_WEB, topic: 'mortgage' },
      { id: id(52), time: at('2026-03-31T11:00'), kind: 1, channel: Channel.CHANNEL_WEB, topic: 'mortgage' },
    ];
    const done = { ...BehaviourRecorded.fromJSON({ party: anna, organisationPath: '/demo' }), events };
    await hear([told(BehaviourRecorded.$type, done)]);
    expect(await taken('online.count("login", duration("48h")) == 1 && online.last_days("login") == 1')).toEqual([
      'anna',
    ]);
    expect(await taken('online.count({"kind": "page", "topic": "mortgage"}, duration("720h")) == 2')).toEqual(['anna']);
    expect(
      await taken('online.distinct("topic", duration("720h")) == 1 && online.distinct("day", duration("720h")) == 2'),
    ).toEqual(['anna']);
    const paid = (number: number, counterpartyToken: bigint) =>
      told(TransactionBooked.$type, {
        ...TransactionBooked.fromJSON({ transaction: `${account}/transactions/${id(number)}`, holding: account }),
        ...{ holdingKind: HoldingKind.HOLDING_KIND_ACCOUNT, parties: [anna], bookingDate: day(20260330) },
        ...{ direction: 2, amount: { minorUnits: 500n, currencyCode: 'CZK' }, counterpartyToken },
      });
    await hear([paid(60, 2n ** 64n - 1n), paid(61, 2n ** 64n - 1n), paid(62, 7n), paid(63, 0n)]);
    expect(
      await taken('tx.distinct("counterparty", {"direction": "debit", "at_most": 5}, duration("48h")) == 2'),
    ).toEqual(['anna']);
    expect(await taken('tx.distinct("counterparty", "credit", duration("720h")) > 0')).toEqual([]);
  });

  test('an erasure takes every fact of the party, in every table', async () => {
    const before = await eraseFacts(analytics, [id(1)]);
    expect(Object.keys(before).sort()).toEqual(partyTables.map((table) => `fact_${table}`).sort());
    expect(before).toMatchObject({ fact_tag: expect.any(Number), fact_life_event: expect.any(Number) });
    for (const table of partyTables) {
      const [left] = await analytics.query<{ n: number }>(
        `SELECT count() AS n FROM ${table} WHERE party = {party:UUID}`,
        { party: id(1) },
      );
      expect({ table, rows: Number(left?.n) }).toEqual({ table, rows: 0 });
    }
    expect(before['fact_tag']).toBeGreaterThan(0);
    expect(await taken('true')).toEqual(['berta']);
  });
});
