import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  BehaviourChanged,
  BehaviourEvent,
  BehaviourRecorded,
  MeasureKind,
  type Party,
  Transaction,
  TransactionBooked,
} from '@rapport/proto/customer/v1';
import fc from 'fast-check';
import {
  account,
  all,
  allRoles,
  as,
  createHolding,
  createParty,
  failure,
  operator,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { followEvents, type PortraitEvent } from '../portrait/follow-events.js';
import { closeDays, keepMonths } from './close-days.js';

const DAY_MS = 86_400_000;
const start = Date.parse('2026-03-02T10:00:00Z');
let running: Running;
let now = new Date(start);

beforeAll(async () => {
  running = await startCustomer({ now: () => now });
});
afterAll(() => running.stop());

const at = (day: number, hour = 10) => new Date(start + day * DAY_MS + (hour - 10) * 3_600_000);
let keys = 0;
const event = (party: string, day: number, over: object = {}) =>
  BehaviourEvent.fromPartial({
    party,
    time: at(day),
    kind: 1,
    topic: 'savings',
    channel: 5,
    key: `k${++keys}`,
    ...over,
  });
const record = (events: BehaviourEvent[], options = operator(), requestId = uuidv7()) =>
  running.portrait.recordBehaviour({ source: 'app', events, requestId }, options);
const changes = async (parent: string) =>
  (await running.portrait.listBehaviourChanges({ parent, pageSize: 0, pageToken: '' }, operator())).behaviourChanges;
const baselines = async (parent: string) =>
  (await running.portrait.listBaselines({ parent, pageSize: 0, pageToken: '' }, operator())).baselines;
async function heard(party: string): Promise<BehaviourChanged[]> {
  const rows = await all<{ payload: Buffer }>(
    running,
    sql`SELECT payload FROM kit.outbox WHERE type LIKE '%.BehaviourChanged' AND aggregate = ${party.slice(8)} ORDER BY id`,
  );
  return rows.map(({ payload }) => BehaviourChanged.decode(payload));
}
/** Closes every day that is over. */
async function settled(): Promise<void> {
  for (let rounds = 0; (await closeDays(running.deps)) > 0; rounds += 1) expect(rounds).toBeLessThan(50);
}
/** Live one day after the other, each with its events. */
async function live(from: number, to: number, events: (day: number) => BehaviourEvent[]): Promise<void> {
  for (let day = from; day <= to; day += 1) {
    now = at(day, 20);
    const today = events(day);
    if (today.length > 0) await record(today);
  }
}
const times = (count: number, make: () => BehaviourEvent) => Array.from({ length: count }, make);

describe('a saver', () => {
  let saver: Party;
  beforeAll(async () => {
    saver = await createParty(running);
    // Reads about savings on every day and, as every week, more on Mondays; logs in for it.
    await live(0, 41, (day) => [
      ...times(day % 7 === 0 ? 6 : 2, () => event(saver.name, day)),
      event(saver.name, day, { kind: 2, topic: '' }),
    ]);
  });

  it('is left alone while nothing changes', async () => {
    expect(await changes(saver.name)).toEqual([]);
    const found = await baselines(saver.name);
    expect(found.map(({ measure }) => [measure?.kind, measure?.code])).toEqual([
      [MeasureKind.MEASURE_KIND_INTEREST, 'savings'],
      [MeasureKind.MEASURE_KIND_CHANNEL, 'app'],
      [MeasureKind.MEASURE_KIND_LOGIN, ''],
    ]);
    const [savings] = found;
    expect(savings?.observations).toBe(40);
    expect(savings?.mean).toBeCloseTo((6 + 6 * 2) / 7, 6);
    // The first of the days was a Monday.
    expect((savings?.season[0] ?? 0) + (savings?.mean ?? 0)).toBeCloseTo(6, 6);
  });

  it('who starts to read about funds is noticed: what, how much, since when, and once', async () => {
    const reading = (day: number) => [
      ...times(day % 7 === 0 ? 6 : 2, () => event(saver.name, day)),
      event(saver.name, day, { kind: 2, topic: '' }),
      ...times(4, () => event(saver.name, day, { topic: 'funds' })),
    ];
    await live(42, 43, reading);
    const found = await changes(saver.name);
    expect(found.filter(({ measure }) => measure?.code === 'funds')).toMatchObject([
      {
        measure: { kind: MeasureKind.MEASURE_KIND_INTEREST, code: 'funds' },
        expected: expect.closeTo(0, 0),
        observed: 4,
        sinceDate: { year: 2026, month: 4, day: 13 },
        noticeDate: { year: 2026, month: 4, day: 14 },
        endDate: undefined,
      },
    ]);
    expect(found.find(({ measure }) => measure?.code === 'funds')?.deviations).toBeGreaterThan(2);
    await live(44, 50, reading);
    const told = (await heard(saver.name)).filter(({ measure }) => measure?.code === 'funds');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ party: saver.name, organisationPath: '/berka/prague/1', observed: 4 });
  });

  it('who stops is heard again only after all was usual for a while', async () => {
    now = at(120);
    await settled();
    const funds = (await changes(saver.name)).filter(({ measure }) => measure?.code === 'funds');
    expect(funds).toHaveLength(1);
    expect(funds[0]?.endDate).toBeDefined();
    await live(121, 122, (day) => times(9, () => event(saver.name, day, { topic: 'funds' })));
    const again = (await changes(saver.name)).filter(({ measure }) => measure?.code === 'funds');
    expect(again).toHaveLength(2);
    expect((await heard(saver.name)).filter(({ measure }) => measure?.code === 'funds')).toHaveLength(2);
  });
});

describe('money', () => {
  it('spent otherwise, and a balance that leaps, are noticed through the bookings', async () => {
    now = at(60);
    const party = await createParty(running);
    const { name } = await createHolding(running, party.name, account());
    const apply = followEvents(running.deps);
    const book = async (day: number, amount: bigint, direction = 2) => {
      const date = at(day);
      const transaction = Transaction.fromPartial({
        direction,
        operation: direction === 1 ? 1 : 3,
        amount: { minorUnits: amount, currencyCode: 'CZK' },
        bookingDate: { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() },
        category: 'groceries',
      });
      now = at(day, 20);
      const made = await running.customer.bookTransaction(
        { parent: name, transaction, requestId: uuidv7() },
        operator(),
      );
      const [row] = await all<{ id: string; payload: Buffer }>(
        running,
        sql`SELECT id, payload FROM kit.outbox WHERE type LIKE '%TransactionBooked' AND subject = ${made.transaction?.name as string}`,
      );
      const told = {
        type: 'rapport.customer.v1.TransactionBooked',
        event: TransactionBooked.decode(row?.payload as Buffer),
        meta: { id: row?.id, occurred: new Date() },
      } as PortraitEvent;
      await apply([told]);
      await apply([told]);
    };
    await book(60, 10_000_000n, 1);
    for (let day = 61; day <= 100; day += 1) await book(day, 30_000n + BigInt(day % 3) * 1_000n);
    const before = await baselines(party.name);
    expect(before.map(({ measure }) => [measure?.kind, measure?.code])).toEqual([
      [MeasureKind.MEASURE_KIND_BALANCE, 'CZK'],
      [MeasureKind.MEASURE_KIND_SPENDING, 'groceries:CZK'],
    ]);
    expect(before[1]?.mean).toBeGreaterThan(29_000);
    expect(before[1]?.mean).toBeLessThan(33_000);
    expect(await changes(party.name)).toEqual([]);
    for (let day = 101; day <= 104; day += 1) await book(day, 150_000n);
    await book(105, 500_000_000n, 1);
    for (let day = 106; day <= 108; day += 1) await book(day, 31_000n);
    const found = await changes(party.name);
    expect(found.map(({ measure }) => measure?.code).sort()).toEqual(['CZK', 'groceries:CZK']);
    for (const change of found) expect(change.deviations).toBeGreaterThan(4);
  });
});

describe('RecordBehaviour', () => {
  it('counts an event once, whatever comes again and in whatever order, late or not', async () => {
    const day = 200;
    const script = (party: string, tag: string) =>
      Array.from({ length: 24 }, (_none, index) =>
        event(party, day - 50 + 2 * index, { key: `${tag}-${index}`, topic: index % 3 === 0 ? 'cards' : 'funds' }),
      );
    now = at(day);
    const reference = await createParty(running);
    await record(script(reference.name, 'reference'));
    const expected = await baselines(reference.name);
    expect(expected.length).toBe(3);
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...Array(24).keys()], { minLength: 24 }),
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 24, maxLength: 24 }),
        async (order, sizes) => {
          runs += 1;
          const party = await createParty(running);
          const events = script(party.name, `run${runs}`);
          const shuffled = order.map((index) => events[index] as BehaviourEvent);
          for (let done = 0, turn = 0; done < shuffled.length; turn += 1) {
            const batch = shuffled.slice(done, done + (sizes[turn] as number));
            await record(batch);
            if (turn % 2 === 0) expect(await record(batch)).toMatchObject({ recorded: 0, known: batch.length });
            done += batch.length;
          }
          expect(await baselines(party.name)).toEqual(expected);
        },
      ),
      { numRuns: 6 },
    );
  });

  it('tells of what is new, once, in one event for each party', async () => {
    const [one, other] = [await createParty(running), await createParty(running)];
    const events = [event(one.name, 0), event(one.name, 0, { kind: 2, topic: '' }), event(other.name, 0)];
    await record(events);
    await record([...events, event(one.name, 1, { channel: 6 })]);
    const rows = await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type LIKE '%.BehaviourRecorded' AND aggregate = ${one.name.slice(8)} ORDER BY id`,
    );
    const told = rows.map(({ payload }) => BehaviourRecorded.decode(payload));
    expect(told.map((message) => [message.party, message.organisationPath])).toEqual(
      Array(2).fill([one.name, one.organisationPath]),
    );
    expect(
      told.map((message) => message.events.map(({ kind, channel, topic }) => [kind, channel, topic]).sort()),
    ).toEqual([
      [
        [1, 5, 'savings'],
        [2, 5, ''],
      ],
      [[1, 6, 'savings']],
    ]);
    expect(new Set(told.flatMap((message) => message.events.map(({ id }) => id))).size).toBe(3);
    expect(told[1]?.events[0]?.time).toEqual(at(1));
  });

  it('answers for what it could not take, and is only for those who may', async () => {
    now = at(210);
    const party = await createParty(running);
    const stranger = `parties/${uuidv7()}`;
    const requestId = uuidv7();
    const events = [event(party.name, 209), event(stranger, 209)];
    const answer = { recorded: 1, known: 0, unknownParties: [stranger] };
    expect(await record(events, operator(), requestId)).toEqual(answer);
    expect(await record(events, operator(), requestId)).toEqual(answer);
    expect(await failure(record([event(party.name, 211)]))).toMatchObject({ reason: 'TIME_IN_FUTURE' });
    for (const role of allRoles.filter((one) => one !== 'operator')) {
      expect(await failure(record(events, as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
    }
    for (const role of ['marketer', 'marketing_approver', 'analyst', 'administrator']) {
      const asked = { parent: party.name, pageSize: 0, pageToken: '' };
      const options = as({ roles: [role] });
      expect(await failure(running.portrait.listBaselines(asked, options))).toMatchObject({ kind: 'denied' });
      expect(await failure(running.portrait.listBehaviourChanges(asked, options))).toMatchObject({ kind: 'denied' });
    }
    const brno = as({ sub: 'b', roles: ['branch_manager'], orgPath: '/berka/brno' });
    const asked = { parent: party.name, pageSize: 0, pageToken: '' };
    expect(await failure(running.portrait.listBehaviourChanges(asked, brno))).toMatchObject({
      reason: 'PARTY_NOT_FOUND',
    });
  });

  it('keeps thirteen months, each in a partition that row security guards', async () => {
    const asSeen = () =>
      all<{ part: string; secured: boolean }>(
        running,
        sql`SELECT c.relname AS part, c.relrowsecurity AND c.relforcerowsecurity AS secured
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'behaviour_event'::regclass ORDER BY 1`,
      );
    now = new Date('2031-01-15T00:00:00Z');
    await keepMonths(running.deps);
    const party = await createParty(running);
    await record([event(party.name, 0, { time: now })]);
    expect(await asSeen()).toEqual([
      { part: 'behaviour_event_203101', secured: true },
      { part: 'behaviour_event_203102', secured: true },
      { part: 'behaviour_event_rest', secured: true },
    ]);
    expect(await all(running, sql`SELECT FROM behaviour_event_203101`)).toHaveLength(1);
    expect(await all(running, sql`SELECT FROM behaviour_event_rest`)).toHaveLength(0);
    now = new Date('2032-03-15T00:00:00Z');
    await keepMonths(running.deps);
    expect((await asSeen()).map(({ part }) => part)).toEqual([
      'behaviour_event_203102',
      'behaviour_event_203203',
      'behaviour_event_203204',
      'behaviour_event_rest',
    ]);
  });
});
