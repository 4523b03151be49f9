import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { sql } from '@rapport/kit/db';
import { type EventMeta, on, startConsumer } from '@rapport/kit/events';
import { type Running, uuidv7 } from '@rapport/kit/runtime';
import { HoldingKind } from '@rapport/proto/customer/v1';
import {
  MembershipReason,
  SegmentEntered,
  SegmentExited,
  type SegmentEntered as Entered,
} from '@rapport/proto/segmentation/v1';
import { storeFacts } from '../fact/fact.js';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { evaluateDue } from './follow-calendar.js';

let suite: Suite;
let listener: Running;
const heard: { kind: 'entered' | 'exited'; event: Entered | SegmentExited; meta: EventMeta }[] = [];

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  suite = await openSuite();
  listener = startConsumer({
    db: suite.customer.db,
    nats: suite.nats,
    name: 'listener',
    handlers: [
      on(SegmentEntered, async (tx, event, meta) => {
        tx.afterCommit(() => heard.push({ kind: 'entered', event, meta }));
      }),
      on(SegmentExited, async (tx, event, meta) => {
        tx.afterCommit(() => heard.push({ kind: 'exited', event, meta }));
      }),
    ],
  });
}, 60_000);

afterAll(async () => {
  await listener.stop();
  await suite.close();
});

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not come to pass within 25 seconds');
}

async function publish(segmentId: string, rule: string, organisationPath = '/demo'): Promise<void> {
  const marketer = suite.as(['marketer'], '/');
  await marketer.createSegment({
    segmentId,
    title: segmentId,
    organisationPath,
    rule,
    asOf: undefined,
    requestId: uuidv7(),
  });
  await suite.publish(`segments/${segmentId}@1`);
}

const of = (segmentId: string, party: string) =>
  heard.filter(({ event }) => event.segment === `segments/${segmentId}` && event.party === party);

test('a party enters by what happens to it, in the trace of what happened, and leaves again', async () => {
  const { customer, deps } = suite;
  const party = await customer.person({});
  await suite.settled();
  await publish('spenders', 'tx.sum("debit", duration("720h")) > 1000 && holdings.balance >= 0');
  const account = await customer.holding(party, HoldingKind.HOLDING_KIND_ACCOUNT, { opened: 20260101 });
  await suite.settled();
  expect(of('spenders', party)).toEqual([]);

  const traceId = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
  const span = trace.wrapSpanContext({ traceId, spanId: '1122334455667788', traceFlags: 1 });
  await context.with(trace.setSpan(context.active(), span), () =>
    customer.booking(account, { parties: [party], day: 20260314, credit: false, cents: 100_001n, balance: 0n }),
  );
  await until(() => of('spenders', party).length === 1);
  const [entered] = of('spenders', party);
  expect(entered?.kind).toBe('entered');
  expect(entered?.event).toMatchObject({
    version: 1,
    organisationPath: '/demo',
    reason: MembershipReason.MEMBERSHIP_REASON_EVENT,
    asOf: { year: 2026, month: 3, day: 15 },
  });
  expect(entered?.meta.traceparent).toContain(traceId);
  expect(entered?.meta.aggregate).toBe(party.slice('parties/'.length));

  await customer.booking(account, { parties: [party], day: 20260315, credit: false, cents: 1n, balance: -1n });
  await until(() => of('spenders', party).length === 2);
  expect(of('spenders', party)[1]?.kind).toBe('exited');
  const { members } = await deps.db.system.one<{ members: bigint }>(sql`
    SELECT members FROM segment_version WHERE segment_id = 'spenders'`);
  expect(members).toBe(0n);
});

test('what is owned by two counts for both, what may only be used for nobody', async () => {
  const { customer } = suite;
  const [first, second, user] = await Promise.all([customer.person({}), customer.person({}), customer.person({})]);
  await publish('rich', 'holdings.balance > 5000 && holdings.count("account") == 1');
  const account = await customer.holding(first, HoldingKind.HOLDING_KIND_ACCOUNT, { also: [second], users: [user] });
  await customer.booking(account, { parties: [first, second], day: 20260301, cents: 600_000n, balance: 600_000n });
  await until(() => of('rich', first).length === 1 && of('rich', second).length === 1);
  await suite.settled();
  expect(of('rich', user)).toEqual([]);
  const progress = await suite.as(['operator'], '/').getSegmentProgress({ organisationPath: '' });
  const { transactions } = progress.facts ?? {};
  // Two rows, one transaction.
  const [{ n }] = (await suite.deps.analytics.query<{ n: number }>(
    'SELECT uniqExact(transaction) AS n FROM booked_transaction',
  )) as [{ n: number }];
  expect(transactions).toBe(BigInt(n));
});

test('redelivered events change nothing', async () => {
  const { customer, deps } = suite;
  const party = await customer.person({});
  const account = await customer.holding(party, HoldingKind.HOLDING_KIND_ACCOUNT);
  await customer.booking(account, { parties: [party], day: 20260310, cents: 5_000n, balance: 5_000n });
  await suite.settled();
  await publish('exactly-fifty', 'tx.sum(duration("720h")) == 50.0 && tx.count(duration("720h")) == 1');
  await until(() => of('exactly-fifty', party).length === 1);
  const rows = await deps.analytics.query<object>('SELECT * FROM booked_transaction');
  await storeFacts(deps.analytics, new Map([['booked_transaction', rows]]));
  await deps.db.system.run(sql`UPDATE changed_party SET pending = true, change = change + 1`);
  await suite.restart();
  await suite.settled();
  expect(of('exactly-fifty', party)).toHaveLength(1);
});

test('killed between the facts and the note of the change, the batch comes again and the party enters', async () => {
  const { customer, deps } = suite;
  const { insert } = deps.analytics;
  let kills = 0;
  await suite.pause();
  const party = await customer.person({ region: 'far-off' });
  // The insert reaches ClickHouse, then the consumer dies before it has noted anything.
  const broken = {
    ...deps.analytics,
    insert: async (table: string, values: readonly object[]) => {
      await insert(table, values);
      if (table === 'party' && kills === 0) {
        kills += 1;
        throw new Error('killed');
      }
    },
  };
  const whole = deps.analytics;
  deps.analytics = broken;
  await suite.restart();
  await publish('far', 'party.region == "far-off"');
  await suite.settled();
  deps.analytics = whole;
  expect(kills).toBe(1);
  await until(() => of('far', party).length === 1);
});

test('killed before the commit, a party waits and is looked at again', async () => {
  const { customer, deps } = suite;
  await publish('waiters', 'party.region == "waiting"');
  const { transaction } = deps.db;
  let kills = 0;
  deps.db.transaction = async (scope, fn) => {
    if (kills === 0) {
      const { waiting } = await deps.db.system.one<{ waiting: bigint }>(sql`
        SELECT count(*) AS waiting FROM changed_party WHERE pending`);
      if (waiting > 0n) {
        kills += 1;
        throw new Error('killed');
      }
    }
    return transaction(scope, fn);
  };
  const party = await customer.person({ region: 'waiting' });
  await until(() => kills === 1);
  deps.db.transaction = transaction;
  await until(() => of('waiters', party).length === 1);
  expect(of('waiters', party)).toHaveLength(1);
});

test('what happens while a version is being published is not lost', async () => {
  const { customer, deps } = suite;
  const marketer = suite.as(['marketer'], '/');
  await marketer.createSegment({
    segmentId: 'racing',
    title: 'racing',
    organisationPath: '/demo',
    rule: 'party.region == "racing"',
    asOf: undefined,
    requestId: uuidv7(),
  });
  const { command } = deps.analytics;
  let party = '';
  const whole = deps.analytics;
  deps.analytics = {
    ...whole,
    command: async (text, parameters, options) => {
      await command(text, parameters, options);
      if (party === '' && text.includes('groupBitmapStateIf')) {
        // The rule has run; a new party comes and is looked at before what it found is written.
        party = await customer.person({ region: 'racing' });
        await until(async () => {
          const looked = await deps.db.system.maybe(sql`
            SELECT party_id FROM changed_party WHERE party_id = ${party.slice('parties/'.length)} AND NOT pending`);
          return looked !== undefined;
        });
      }
    },
  };
  await suite.publish('segments/racing@1');
  deps.analytics = whole;
  await until(() => of('racing', party).length === 1);
});

test('the next day the calendar evaluates what depends on it, once', async () => {
  const { customer, deps } = suite;
  const party = await customer.person({ born: 20000316 });
  await suite.settled();
  await publish('adults', 'party.age >= 26');
  const tomorrow = { ...deps, clock: { now: () => new Date('2026-03-16T06:00:00Z') } };
  expect(of('adults', party)).toEqual([]);
  expect(await evaluateDue(tomorrow)).toBeGreaterThan(0);
  await until(() => of('adults', party).length === 1);
  expect(of('adults', party)[0]?.event).toMatchObject({ reason: MembershipReason.MEMBERSHIP_REASON_EVALUATED });
  expect(await evaluateDue(tomorrow)).toBe(0);
});

test('a party outside of the segment’s organisation path does not enter', async () => {
  const { customer } = suite;
  await publish('northern', 'party.region == "inside"', '/demo/north');
  const inside = await customer.person({ path: '/demo/north/1', region: 'inside' });
  const outside = await customer.person({ path: '/demo/northwest', region: 'inside' });
  await until(() => of('northern', inside).length === 1);
  await suite.settled();
  expect(of('northern', outside)).toEqual([]);
});

test('the service stops at once, however early it is told to', async () => {
  for (const ms of [0, 5, 20, 80]) {
    await suite.restart();
    await new Promise((resolve) => setTimeout(resolve, ms));
    const started = performance.now();
    await suite.pause();
    expect(performance.now() - started).toBeLessThan(5_000);
  }
});
