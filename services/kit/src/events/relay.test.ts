import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type Database, everything, sql } from '../db/index.js';
import type { Running } from '../runtime/index.js';
import { headersOf, type OutboxRow, subjectOf } from './event.js';
import {
  countStreamed,
  disorder,
  Happened,
  happen,
  openStage,
  type Stage,
  sleep,
  streamed,
  until,
} from './events.testkit.js';
import { eraseEvents, outboxLag, type ReadOutbox } from './outbox.js';
import { publish, publishAll } from './publish.js';
import { startRelay } from './relay.js';
import { ensureStream } from './stream.js';

let stage: Stage;
let running: Running[] = [];

beforeEach(async () => {
  stage = await openStage();
});

afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  running = [];
  await stage.close();
});

function relay(options: { db?: Database; read?: ReadOutbox } = {}): Running {
  const { db = stage.db, read } = options;
  const started = startRelay({ db, nats: stage.nats, domain: 'test', leaseMs: 2000, ...(read ? { read } : {}) });
  running.push(started);
  return started;
}

const written = async (): Promise<string[]> =>
  (await stage.db.system.rows<{ id: string }>(sql`SELECT id FROM kit.outbox`)).map((row) => row.id);

/** Writers whose transactions overlap: an event gets its id early and is committed late. */
async function writeConcurrently(writers: number, each: number): Promise<void> {
  const db = stage.openDb('writers');
  const write = async (writer: number): Promise<void> => {
    for (let n = 1; n <= each; n += 1) {
      const aggregate = `writer-${writer}`;
      await db.transaction(everything, async (tx) => {
        await publish(tx, Happened, { aggregate, n }, { aggregate });
        await sleep(Math.random() * 15);
      });
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
}

/** How many of the events of 16 concurrent writers a relay with that cursor never publishes. */
async function lostWith(read?: ReadOutbox): Promise<number> {
  relay(read ? { read } : {});
  await writeConcurrently(16, 25);
  const all = await written();
  expect(all).toHaveLength(400);
  let before = -1;
  // Until nothing more comes.
  await until(async () => {
    const count = await countStreamed(stage.nats);
    const still = count === before;
    before = count;
    if (!still && count < all.length) await sleep(1500);
    return still || count === all.length;
  });
  const ids = new Set((await streamed(stage.nats)).map((event) => event.id));
  return all.filter((id) => !ids.has(id)).length;
}

/** The cursor that looks right and is wrong: ids are given out before they are committed. */
const byIdAlone: ReadOutbox = (db, after, limit) =>
  db.rows<OutboxRow>(sql`
    SELECT xid::text AS xid, id, aggregate, partition, type, subject, payload, traceparent, tracestate,
      organisation_path, occurred_at
    FROM kit.outbox WHERE id > ${after.id}::uuid ORDER BY id LIMIT ${limit}`);

describe('the cursor', () => {
  it('of the relay loses none of the events of 16 concurrent writers', async () => {
    expect(await lostWith()).toBe(0);
    expect(disorder(await streamed(stage.nats))).toBe(0);
  });

  it('over ids alone loses some, so that the test above can fail', async () => {
    expect(await lostWith(byIdAlone)).toBeGreaterThan(0);
  });
});

describe('the order of transactions', () => {
  it('is that of numbers, also where they grow by a digit', async () => {
    // Uses up numbers until shortly before the next power of ten.
    await stage.db.system.run(sql`DO $$
      DECLARE
        last bigint := pg_current_xact_id()::text::bigint;
        missing bigint := 10 ^ length(last::text) - last - 60;
      BEGIN
        CREATE TEMP TABLE used (id int) ON COMMIT DROP;
        FOR one IN 1..missing LOOP
          BEGIN
            INSERT INTO used VALUES (1);
          EXCEPTION WHEN division_by_zero THEN
            NULL;
          END;
        END LOOP;
      END $$`);
    const xids = async () =>
      (
        await stage.db.system.rows<{ digits: number }>(sql`
      SELECT DISTINCT length(xid::text) AS digits FROM kit.outbox`)
      ).length;
    let n = 0;
    while ((await xids()) < 2 || n % 100 !== 0) await happen(stage.db, 'a', (n += 1));
    relay();
    await until(async () => (await countStreamed(stage.nats)) === n);
    expect((await streamed(stage.nats)).map((event) => event.n)).toEqual(Array.from({ length: n }, (_, at) => at + 1));
  });
});

/** Publishes the events of some aggregates by turns with one call, as an import does. */
async function happenTogether(aggregates: number, from: number, to: number): Promise<void> {
  const events: Parameters<typeof publishAll<Happened>>[2][number][] = [];
  for (let n = from; n <= to; n += 1) {
    for (let index = 0; index < aggregates; index += 1) {
      const aggregate = `aggregate-${index}`;
      events.push({ message: { aggregate, n }, options: { aggregate } });
    }
  }
  await stage.db.transaction(everything, (tx) => publishAll(tx, Happened, events));
}

describe('frames', () => {
  it('reach the stream as single events, in order with the others, however often the broker fails', async () => {
    relay();
    await happen(stage.db, 'aggregate-0', 1);
    const writing = (async () => {
      await happenTogether(3, 2, 600);
      await happen(stage.db, 'aggregate-0', 601);
      await happenTogether(3, 602, 1200);
    })();
    await until(async () => (await countStreamed(stage.nats)) > 300);
    await stage.bus.kill();
    await sleep(200);
    await stage.bus.start();
    await writing;
    await until(async () => (await countStreamed(stage.nats)) >= 2 + 3 * 1198);
    const events = await streamed(stage.nats);
    expect(events).toHaveLength(2 + 3 * 1198);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(disorder(events)).toBe(0);
  });

  it('are gone on with in their middle, where the stream ends', async () => {
    const first = relay();
    await happenTogether(1, 1, 40);
    await until(async () => (await countStreamed(stage.nats)) === 40);
    await first.stop();
    // A power failure took the end of the stream, and the cursor with it.
    const { streams } = await jetstreamManager(stage.nats);
    for (let seq = 21; seq <= 40; seq += 1) await streams.deleteMessage('RAPPORT_TEST', seq);
    await stage.db.system.run(sql`DELETE FROM kit.relay_cursor`);
    relay();
    // The broker still knows the ids of the lost events and would drop them for two minutes; new ones come through.
    await happen(stage.db, 'aggregate-0', 41, 42);
    await until(async () => (await outboxLag(stage.db.system, 'test')).pending === 0);
    const events = await streamed(stage.nats);
    expect(events.slice(0, 20).map(({ n }) => n)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    expect(events.filter(({ n }) => n <= 20)).toHaveLength(20);
    expect(disorder(events)).toBe(0);
  });

  it('fill a broker that lost everything, without what was erased', async () => {
    relay();
    await happenTogether(2, 1, 300);
    await until(async () => (await countStreamed(stage.nats)) === 600);
    await stage.db.transaction(everything, (tx) => eraseEvents(tx, 'aggregate-1'));
    await stage.bus.kill();
    stage.bus.wipe();
    await stage.bus.start();
    await until(async () => (await countStreamed(stage.nats)) === 300);
    await happen(stage.db, 'aggregate-0', 301);
    await until(async () => (await countStreamed(stage.nats)) === 301);
    const events = await streamed(stage.nats);
    expect(events.map(({ aggregate, n }) => `${aggregate} ${n}`)).toEqual(
      Array.from({ length: 301 }, (_, at) => `aggregate-0 ${at + 1}`),
    );
  });
});

/** A relay that takes whatever no other has locked, as many outboxes do. */
async function skipLocked(db: Database, signal: AbortSignal): Promise<void> {
  const js = jetstream(stage.nats);
  while (!signal.aborted) {
    const moved = await db.transaction(everything, async (tx) => {
      const rows = await tx.rows<OutboxRow>(sql`
        SELECT o.xid::text AS xid, o.id, aggregate, partition, type, subject, payload, traceparent, tracestate,
          organisation_path, occurred_at
        FROM kit.outbox o WHERE NOT EXISTS (SELECT FROM sent WHERE sent.id = o.id)
        ORDER BY o.xid, o.id LIMIT 5 FOR UPDATE OF o SKIP LOCKED`);
      for (const row of rows) {
        await sleep(Math.random() * 3);
        await js.publish(subjectOf(row), row.payload, { headers: headersOf(row) });
        await tx.run(sql`INSERT INTO sent VALUES (${row.id}) ON CONFLICT DO NOTHING`);
      }
      return rows.length;
    });
    if (moved === 0) await sleep(20);
  }
}

describe('three relays', () => {
  const AGGREGATES = 5;
  const EACH = 40;
  const write = () =>
    Promise.all(Array.from({ length: AGGREGATES }, (_, index) => happen(stage.db, `aggregate-${index}`, 1, EACH)));
  const complete = () => until(async () => (await countStreamed(stage.nats)) >= AGGREGATES * EACH);

  it('that hold a lease keep the order of every aggregate', async () => {
    for (const name of ['one', 'two', 'three']) relay({ db: stage.openDb(name) });
    await write();
    await complete();
    const events = await streamed(stage.nats);
    expect(events).toHaveLength(AGGREGATES * EACH);
    expect(disorder(events)).toBe(0);
  });

  it('that take over from each other keep it too, and lose nothing', async () => {
    const three = ['one', 'two', 'three'].map((name) => relay({ db: stage.openDb(name) }));
    const writing = write();
    await until(async () => (await countStreamed(stage.nats)) > 20);
    await three[0]?.stop();
    await until(async () => (await countStreamed(stage.nats)) > 60);
    await stage.terminate('two');
    await writing;
    await complete();
    const events = await streamed(stage.nats);
    expect(new Set(events.map((event) => event.id)).size).toBe(AGGREGATES * EACH);
    expect(disorder(events)).toBe(0);
  });

  it('with plain SKIP LOCKED break it, so that the test above can fail', async () => {
    await stage.db.system.run(sql`CREATE TABLE sent (id uuid PRIMARY KEY)`);
    await ensureStream(stage.nats, 'test');
    const stop = new AbortController();
    const relays = ['one', 'two', 'three'].map((name) => skipLocked(stage.openDb(name), stop.signal));
    await write();
    await complete();
    stop.abort();
    await Promise.all(relays);
    expect(disorder(await streamed(stage.nats))).toBeGreaterThan(0);
  });
});

describe('trouble', () => {
  it('fills a broker that lost everything again from the outbox, in order', async () => {
    relay();
    await happen(stage.db, 'a', 1, 30);
    await until(async () => (await countStreamed(stage.nats)) === 30);
    await stage.bus.kill();
    stage.bus.wipe();
    await happen(stage.db, 'a', 31, 40);
    await stage.bus.start();
    await until(async () => (await countStreamed(stage.nats)) === 40);
    const events = await streamed(stage.nats);
    expect(events.map((event) => event.n)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  });

  it('publishes nothing twice over a crash of the broker', async () => {
    relay();
    const writing = happen(stage.db, 'a', 1, 120);
    await until(async () => (await countStreamed(stage.nats)) > 10);
    await stage.bus.kill();
    await sleep(300);
    await stage.bus.start();
    await writing;
    await until(async () => (await countStreamed(stage.nats)) >= 120);
    const events = await streamed(stage.nats);
    expect(events.map((event) => event.n)).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
  });

  it('goes on after its connections to Postgres were ended', async () => {
    relay({ db: stage.openDb('relay') });
    await happen(stage.db, 'a', 1, 20);
    await until(async () => (await countStreamed(stage.nats)) === 20);
    await stage.terminate('relay');
    await happen(stage.db, 'a', 21, 40);
    await until(async () => (await countStreamed(stage.nats)) === 40);
    expect(disorder(await streamed(stage.nats))).toBe(0);
  });

  it('goes on where the stream ends when the cursor is behind or gone', async () => {
    const first = relay();
    await happen(stage.db, 'a', 1, 10);
    await until(async () => (await countStreamed(stage.nats)) === 10);
    await first.stop();
    await stage.db.system.run(sql`DELETE FROM kit.relay_cursor`);
    await happen(stage.db, 'a', 11, 12);
    relay();
    await until(async () => (await countStreamed(stage.nats)) === 12);
    const { pending } = await stage.db.system.one<{ pending: bigint }>(sql`
      SELECT count(*) AS pending FROM kit.outbox, kit.relay_cursor c WHERE (outbox.xid, outbox.id) > (c.xid, c.id)`);
    expect(pending).toBe(0n);
  });

  it('reaches the stream within milliseconds of the commit', async () => {
    relay();
    await happen(stage.db, 'a', 1);
    await until(async () => (await countStreamed(stage.nats)) === 1);
    const waits: number[] = [];
    for (let n = 2; n <= 12; n += 1) {
      const arrived = new Promise<void>((resolve) => {
        stage.nats.subscribe('rapport.test.>', { max: 1, callback: () => resolve() });
      });
      await stage.nats.flush();
      await happen(stage.db, 'a', n);
      const committed = performance.now();
      await arrived;
      waits.push(performance.now() - committed);
    }
    // Far below the second between two polls, whatever else the machine does.
    expect(waits.sort((a, b) => a - b)[5]).toBeLessThan(300);
  });
});
