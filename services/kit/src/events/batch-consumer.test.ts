import type { Running } from '../runtime/index.js';
import { type BatchConsumerOptions, type BatchedEvent, startBatchConsumer } from './batch-consumer.js';
import { deadLetters } from './dead-letter.js';
import { disorder, Finished, Happened, happen, openStage, type Stage, sleep, until } from './events.testkit.js';
import { publish } from './publish.js';
import { startRelay } from './relay.js';

let stage: Stage;
let running: Running[] = [];

beforeEach(async () => {
  stage = await openStage();
  running.push(startRelay({ db: stage.db, nats: stage.nats, domain: 'test', leaseMs: 2000 }));
});

afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  running = [];
  await stage.close();
});

type Batch = BatchedEvent<typeof Happened>[];

/** A sink that is idempotent as an analytic table is: it keeps one row per event id, in the order of arrival. */
function createSink() {
  const rows = new Map<string, Happened>();
  const batches: number[] = [];
  return {
    rows,
    batches,
    take: (batch: Batch): void => {
      batches.push(batch.length);
      for (const { event, meta } of batch) if (!rows.has(meta.id)) rows.set(meta.id, event);
    },
    of: (aggregate: string): number[] =>
      [...rows.values()].filter((event) => event.aggregate === aggregate).map((event) => event.n),
  };
}

function consume(
  handle: (batch: Batch) => Promise<void>,
  more: Partial<BatchConsumerOptions<typeof Happened>> = {},
): void {
  running.push(
    startBatchConsumer({
      db: stage.db,
      nats: stage.nats,
      name: 'sink',
      events: [Happened],
      handle,
      maxEvents: 50,
      maxWaitMs: 50,
      retryMs: 20,
      leaseMs: 1500,
      ...more,
    }),
  );
}

const aggregates = ['a', 'b', 'c', 'd', 'e', 'f'];
const happenAll = (from: number, to: number) => Promise.all(aggregates.map((one) => happen(stage.db, one, from, to)));

it('gathers events into batches, all of them, in order within each aggregate', async () => {
  const sink = createSink();
  await happenAll(1, 40);
  consume(async (batch) => sink.take(batch));
  await until(() => sink.rows.size === 240);
  expect(disorder([...sink.rows.values()])).toBe(0);
  expect(Math.max(...sink.batches)).toBeLessThanOrEqual(50);
  expect(Math.max(...sink.batches)).toBeGreaterThan(10);
});

it('hands over a single event after the wait', async () => {
  const sink = createSink();
  consume(async (batch) => sink.take(batch));
  await happen(stage.db, 'a', 1);
  await until(() => sink.rows.size === 1);
  expect(sink.batches).toEqual([1]);
});

it('parks one poisoned event and those behind it while all others flow, and redrives them in order', async () => {
  const sink = createSink();
  let cured = false;
  consume(
    async (batch) => {
      await sleep(1);
      if (!cured && batch.some(({ event }) => event.poisoned)) {
        throw Object.assign(new Error('bad'), { reason: 'ROW_REFUSED' });
      }
      sink.take(batch);
    },
    { maxAttempts: 3 },
  );
  await happenAll(1, 10);
  await happen(stage.db, 'a', 11, 11, true);
  await happenAll(12, 20);
  const letters = deadLetters(stage.db);
  await until(async () => (await letters.list({}, 100)).length === 10);
  await until(() => sink.rows.size === 5 * 19 + 10);
  expect(sink.of('a')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const [first, second] = await letters.list({}, 2);
  expect([first?.reason, first?.attempts, second?.reason]).toEqual(['ROW_REFUSED', 3, 'AGGREGATE_PARKED']);
  cured = true;
  expect(await letters.redrive({})).toEqual({ redriven: 10, failed: 0, missing: [] });
  expect(sink.of('a')).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  await happen(stage.db, 'a', 21);
  await until(() => sink.of('a').length === 21);
});

it.each([
  ['is away', () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })],
  ['refuses everything', () => new Error('disk full')],
])('parks nothing while the sink %s', async (_how, trouble) => {
  const sink = createSink();
  let broken = true;
  await happenAll(1, 20);
  consume(
    async (batch) => {
      if (broken) throw trouble();
      sink.take(batch);
    },
    { shards: 1 },
  );
  await sleep(2500);
  broken = false;
  await until(() => sink.rows.size === 120);
  expect(await deadLetters(stage.db).list({}, 10)).toEqual([]);
  expect(disorder([...sink.rows.values()])).toBe(0);
});

it('gives every event over a crash of the broker and of Postgres', async () => {
  const sink = createSink();
  consume(async (batch) => sink.take(batch), { db: stage.openDb('sink') });
  const writing = happenAll(1, 50);
  await until(() => sink.rows.size > 10);
  await stage.bus.kill();
  await sleep(300);
  await stage.bus.start();
  await stage.terminate('sink');
  await writing;
  await until(() => sink.rows.size === 300);
  expect(disorder([...sink.rows.values()])).toBe(0);
});

it('tells the types of a mixed batch apart', async () => {
  const seen: [string, unknown][] = [];
  running.push(
    startBatchConsumer({
      db: stage.db,
      nats: stage.nats,
      name: 'mixed',
      events: [Happened, Finished],
      handle: async (batch) => {
        for (const { type, event } of batch) seen.push([type, event]);
      },
      maxEvents: 10,
      maxWaitMs: 20,
    }),
  );
  await happen(stage.db, 'a', 1);
  await stage.db.transaction({ kind: 'everything' }, (tx) =>
    publish(tx, Finished, { aggregate: 'a' }, { aggregate: 'a' }),
  );
  await until(() => seen.length === 2);
  expect(seen).toEqual([
    [Happened.$type, { aggregate: 'a', n: 1 }],
    [Finished.$type, { aggregate: 'a' }],
  ]);
});
