import { type Database, type Scope, sql } from '../db/index.js';
import type { Running } from '../runtime/index.js';
import type { Nats } from './bus.js';
import { type ConsumerOptions, startConsumer } from './consumer.js';
import { deadLetters } from './dead-letter.js';
import { type EventMeta, on } from './event.js';
import {
  createEffects,
  disorder,
  effects,
  Happened,
  happen,
  note,
  openStage,
  type Stage,
  sleep,
  until,
} from './events.testkit.js';
import { consumerLag } from './lag.js';
import { startRelay } from './relay.js';

let stage: Stage;
let running: Running[] = [];
const everything: Scope = { kind: 'everything' };

beforeEach(async () => {
  stage = await openStage();
  await createEffects(stage.db);
  running.push(startRelay({ db: stage.db, nats: stage.nats, domain: 'test', leaseMs: 2000 }));
});

afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  running = [];
  await stage.close();
});

type Handle = Parameters<typeof on<Happened>>[1];

function consume(
  name: string,
  handle: Handle = note(name),
  more: Partial<ConsumerOptions> & { db?: Database; nats?: Nats } = {},
): Running {
  const started = startConsumer({
    db: stage.db,
    nats: stage.nats,
    name,
    handlers: [on(Happened, handle)],
    retryMs: 20,
    leaseMs: 1500,
    ...more,
  });
  running.push(started);
  return started;
}

const applied = async (name: string): Promise<number> => (await effects(stage.db, name)).length;
const numbers = async (name: string, aggregate: string): Promise<number[]> =>
  (await effects(stage.db, name)).filter((event) => event.aggregate === aggregate).map((event) => event.n);

it('applies every event once and in order, whatever fails on the way, in three processes', async () => {
  let failures = 0;
  const flaky: Handle = async (tx, event, meta) => {
    await note('flaky')(tx, event, meta);
    if (Math.random() < 0.1) {
      failures += 1;
      throw new Error('by chance');
    }
  };
  const nats = await Promise.all([1, 2, 3].map(() => stage.openBus()));
  nats.forEach((own, index) =>
    consume('flaky', flaky, { nats: own, db: stage.openDb(`flaky-${index}`), maxAttempts: 50 }),
  );
  await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((aggregate) => happen(stage.db, aggregate, 1, 30)));
  await until(async () => (await applied('flaky')) >= 180);
  await sleep(300);
  const all = await effects(stage.db, 'flaky');
  expect(all).toHaveLength(180);
  expect(disorder(all)).toBe(0);
  expect(failures).toBeGreaterThan(0);
});

it('passes on what is known of an event', async () => {
  const metas: EventMeta[] = [];
  consume('metas', async (_tx, _event, meta) => {
    metas.push(meta);
  });
  const before = Date.now();
  await happen(stage.db, 'parties/7', 1);
  await until(() => metas.length === 1);
  const [meta] = metas;
  expect(meta).toMatchObject({ type: Happened.$type, aggregate: 'parties/7', sequence: 1, traceparent: undefined });
  expect(meta?.id).toMatch(/^[0-9a-f-]{14}7/);
  expect(Math.abs((meta?.occurred.getTime() ?? 0) - before)).toBeLessThan(5000);
});

it('is behind by all events while nobody has opened its lanes', async () => {
  await happen(stage.db, 'a', 1, 3);
  // Another process holds every lane and has not begun with any.
  await stage.db.system.run(sql`
    INSERT INTO kit.lease (name, holder, epoch, expires_at)
    SELECT 'consumer/late/test/' || shard || 'of4', gen_random_uuid(), 1, now() + interval '1 hour'
    FROM generate_series(0, 3) AS shard`);
  consume('late', note('late'));
  await until(async () => (await consumerLag(stage.db)).find((lag) => lag.consumer === 'late')?.pending === 3);
  await stage.db.system.run(sql`DELETE FROM kit.lease WHERE starts_with(name, 'consumer/late/')`);
  await until(async () => (await consumerLag(stage.db)).find((lag) => lag.consumer === 'late')?.pending === 0);
  expect(await numbers('late', 'a')).toEqual([1, 2, 3]);
});

describe('a process that ends', () => {
  it('between the effect and the acknowledgement leaves an event that is not applied again', async () => {
    const nats = await stage.openBus();
    const db = stage.openDb('dying');
    let died = false;
    const dying = consume(
      'once',
      async (tx, event, meta) => {
        await note('once')(tx, event, meta);
        tx.afterCommit(() => {
          if (died) return;
          died = true;
          void nats.close();
        });
      },
      { nats, db },
    );
    await happen(stage.db, 'a', 1);
    await until(() => died);
    running = running.filter((one) => one !== dying);
    const stopping = dying.stop();
    const outcomes: number[] = [];
    consume('once', async (tx, event, meta) => {
      outcomes.push(event.n);
      await note('once')(tx, event, meta);
    });
    await happen(stage.db, 'a', 2);
    await until(async () => (await applied('once')) === 2);
    // The first came again (it was never acknowledged) and was known.
    expect(await numbers('once', 'a')).toEqual([1, 2]);
    expect(outcomes).toEqual([2]);
    await until(async () => (await consumerLag(stage.db)).find((lag) => lag.consumer === 'once')?.pending === 0);
    await stopping;
  });

  it('in the middle of its work is replaced, and order is kept', async () => {
    const nats = await stage.openBus();
    const db = stage.openDb('dying');
    let begun = 0;
    let letGo = (): void => undefined;
    const hanging = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const dying = consume(
      'relieved',
      async (tx, event, meta) => {
        await note('relieved')(tx, event, meta);
        begun += 1;
        if (begun > 5) await hanging;
      },
      { nats, db },
    );
    await Promise.all(['a', 'b', 'c', 'd'].map((aggregate) => happen(stage.db, aggregate, 1, 10)));
    await until(() => begun > 6);
    // As a kill does: its connections break, and nothing is given back.
    running = running.filter((one) => one !== dying);
    await nats.close();
    void db.close();
    await stage.terminate('dying');
    const since = Date.now();
    consume('relieved', note('relieved'));
    await Promise.all(['a', 'b', 'c', 'd'].map((aggregate) => happen(stage.db, aggregate, 11, 15)));
    await until(async () => (await applied('relieved')) === 60);
    expect(Date.now() - since).toBeLessThan(15_000);
    expect(disorder(await effects(stage.db, 'relieved'))).toBe(0);
    await sleep(200);
    expect(await applied('relieved')).toBe(60);
    letGo();
    await dying.stop();
  });

  it('without knowing that it did is kept from applying anything', async () => {
    consume('fenced', note('fenced'), { leaseMs: 9000 });
    await happen(stage.db, 'a', 1);
    await until(async () => (await applied('fenced')) === 1);
    await stage.db.system.run(sql`UPDATE kit.lease SET holder = 'other', epoch = epoch + 1, expires_at = now() + '1 hour'::interval
      WHERE starts_with(name, 'consumer/fenced/')`);
    await happen(stage.db, 'a', 2, 4);
    await sleep(1000);
    expect(await numbers('fenced', 'a')).toEqual([1]);
  });
});

describe('an event that fails', () => {
  it('is tried again while the later ones of its aggregate wait and others flow', async () => {
    let attempts = 0;
    consume(
      'patient',
      async (tx, event, meta) => {
        if (event.aggregate === 'a' && event.n === 2) {
          attempts += 1;
          if (attempts < 4) throw new Error('not yet');
        }
        await note('patient')(tx, event, meta);
      },
      { retryMs: 60 },
    );
    await happen(stage.db, 'a', 1, 4);
    await happen(stage.db, 'b', 1, 4);
    await until(async () => (await applied('patient')) === 8);
    expect(attempts).toBe(4);
    const all = await effects(stage.db, 'patient');
    expect(disorder(all)).toBe(0);
    const last = (aggregate: string): number => all.findLastIndex((event) => event.aggregate === aggregate);
    expect(last('b')).toBeLessThan(last('a'));
    expect(await deadLetters(stage.db).list({}, 10)).toEqual([]);
    expect(await stage.db.system.rows(sql`SELECT * FROM kit.attempt`)).toEqual([]);
  });

  it('for ever is parked, later ones of its aggregate behind it, and all come in order when redriven', async () => {
    let cured = false;
    consume(
      'poisoned',
      async (tx, event, meta) => {
        await note('poisoned')(tx, event, meta);
        if (event.poisoned && !cured) throw Object.assign(new Error('bad'), { reason: 'BALANCE_UNKNOWN' });
      },
      { maxAttempts: 3 },
    );
    await happen(stage.db, 'a', 1);
    await happen(stage.db, 'a', 2, 2, true);
    await happen(stage.db, 'a', 3, 4);
    await happen(stage.db, 'b', 1, 5);
    const letters = deadLetters(stage.db);
    await until(async () => (await letters.list({}, 10)).length === 3);
    await until(async () => (await applied('poisoned')) === 6);
    expect(await numbers('poisoned', 'a')).toEqual([1]);
    const parked = await letters.list({ consumer: 'poisoned' }, 10);
    expect(parked.map(({ reason, attempts }) => ({ reason, attempts }))).toEqual([
      { reason: 'BALANCE_UNKNOWN', attempts: 3 },
      { reason: 'AGGREGATE_PARKED', attempts: 0 },
      { reason: 'AGGREGATE_PARKED', attempts: 0 },
    ]);
    expect(await letters.list({ reason: 'BALANCE_UNKNOWN', type: Happened.$type }, 10)).toHaveLength(1);
    expect(await letters.list({ since: new Date(Date.now() + 60_000) }, 10)).toEqual([]);
    const [first] = parked;
    expect(await letters.list({}, 10, first && { parked: first.parked, id: first.id })).toHaveLength(2);

    const unknown = '00000000-0000-7000-8000-000000000000';
    expect(await letters.redrive({ ids: [unknown] })).toEqual({ redriven: 0, failed: 0, missing: [unknown] });
    expect(await letters.redrive({})).toEqual({ redriven: 1, failed: 1, missing: [] });
    expect(await letters.list({}, 10)).toHaveLength(3);

    cured = true;
    const twice = await Promise.all([letters.redrive({}), letters.redrive({})]);
    expect(twice.map((one) => one.failed)).toEqual([0, 0]);
    expect(await numbers('poisoned', 'a')).toEqual([1, 2, 3, 4]);
    expect(await letters.list({}, 10)).toEqual([]);
    await happen(stage.db, 'a', 5);
    await until(async () => (await numbers('poisoned', 'a')).length === 5);
  });

  it('because it cannot be read is parked at once', async () => {
    const broken = { ...Happened, encode: () => ({ finish: () => Buffer.from('{') }) };
    consume('reader');
    const { publish } = await import('./publish.js');
    await stage.db.transaction(everything, (tx) => publish(tx, broken, { aggregate: 'a', n: 1 }, { aggregate: 'a' }));
    const letters = deadLetters(stage.db);
    await until(async () => (await letters.list({}, 10)).length === 1);
    expect(await letters.list({}, 10)).toMatchObject([{ reason: 'MALFORMED_EVENT', attempts: 1 }]);
  });
});

describe('trouble around it', () => {
  it('a broker that lost everything changes nothing that was applied', async () => {
    consume('rebuilt');
    await happen(stage.db, 'a', 1, 20);
    await until(async () => (await applied('rebuilt')) === 20);
    await stage.bus.kill();
    stage.bus.wipe();
    await happen(stage.db, 'a', 21, 25);
    await stage.bus.start();
    await happen(stage.db, 'a', 26, 30);
    await until(async () => (await applied('rebuilt')) === 30);
    await sleep(500);
    expect(await numbers('rebuilt', 'a')).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  it('a broker that is killed and comes back loses and repeats nothing', async () => {
    consume('killed');
    const writing = Promise.all(['a', 'b'].map((aggregate) => happen(stage.db, aggregate, 1, 80)));
    await until(async () => (await applied('killed')) > 10);
    await stage.bus.kill();
    await sleep(400);
    await stage.bus.start();
    await writing;
    await until(async () => (await applied('killed')) === 160);
    expect(disorder(await effects(stage.db, 'killed'))).toBe(0);
  });

  it('connections to Postgres that are ended again and again lose, repeat and park nothing', async () => {
    consume('cut', note('cut'), { db: stage.openDb('cut') });
    const writing = Promise.all(['a', 'b'].map((aggregate) => happen(stage.db, aggregate, 1, 60)));
    for (let round = 0; round < 5; round += 1) {
      await sleep(100);
      await stage.terminate('cut');
    }
    await writing;
    await until(async () => (await applied('cut')) === 120);
    await sleep(200);
    expect(await applied('cut')).toBe(120);
    expect(disorder(await effects(stage.db, 'cut'))).toBe(0);
    expect(await deadLetters(stage.db).list({}, 10)).toEqual([]);
  });
});
