import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { everything, sql } from '../db/index.js';
import { carryOutErasures, entomb, erasedAmong, type EraserOptions } from './erasure.js';
import { Finished, Happened, happen, openStage, type Stage, streamed, until } from './events.testkit.js';
import { on, partitionOf } from './event.js';
import { startBatchConsumer } from './batch-consumer.js';
import { startConsumer } from './consumer.js';
import { forgetErased } from './forget.js';
import { publish, publishAll } from './publish.js';
import { startRelay } from './relay.js';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const erasure = (aggregate: string) => ({
  aggregate,
  subject: `things/${aggregate}`,
  request: 'requests/1',
  organisationPath: '/bank',
});
/** As `streamed`, also before there is a stream. */
const inStream = () => streamed(stage.nats).catch(() => []);
const bury = (aggregate: string) => stage.db.transaction(everything, (tx) => entomb(tx, erasure(aggregate)));
const options = (over: Partial<EraserOptions<unknown>> = {}): EraserOptions<unknown> => ({
  db: stage.db,
  service: 'test',
  erase: async () => ({ counts: { effects: 0 } }),
  answer: (tx, { aggregate, request }) =>
    publish(tx, Finished, { aggregate }, { aggregate: request, organisationPath: '/bank' }),
  ...over,
});
/** An aggregate of the same partition as another one. */
const neighbourOf = (aggregate: string): string => {
  for (let number = 0; ; number += 1) {
    const other = `neighbour-${number}`;
    if (partitionOf(other) === partitionOf(aggregate)) return other;
  }
};

/** Whether the bytes are in any file below a folder. */
function readable(folder: string, bytes: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((file) => statSync(file).isFile() && readFileSync(file).includes(bytes));
}

describe('forgetting', () => {
  it('leaves nothing of the aggregate in outbox, stream and its files, everything else, and the relay goes on', async () => {
    const gone = 'planted-secret';
    const stays = neighbourOf(gone);
    const relay = startRelay({ db: stage.db, nats: stage.nats, domain: 'test' });
    await happen(stage.db, gone, 1, 3);
    await happen(stage.db, stays, 1, 2);
    // A frame of many aggregates, this one among them; the last message of the stream is of this one too.
    const many = Array.from({ length: 100 }, (_, n) => ({ aggregate: n % 10 === 9 ? gone : stays, n: 10 + n }));
    await stage.db.transaction(everything, (tx) =>
      publishAll(
        tx,
        Happened,
        many.map((message) => ({ message, options: { aggregate: message.aggregate } })),
      ),
    );
    await until(async () => (await inStream()).length === 105);
    await stage.db.transaction(everything, async (tx) => {
      await entomb(tx, erasure(gone));
      await tx.run(sql`UPDATE kit.tombstone SET answered_at = now()`);
    });
    await until(async () => {
      const [row] = await stage.db.system.rows<{ at: Date | null }>(sql`SELECT forgotten_at AS at FROM kit.tombstone`);
      return row?.at !== null;
    });
    const left = await streamed(stage.nats);
    expect(left.map(({ aggregate }) => aggregate)).toEqual(Array.from({ length: 92 }, () => stays));
    const outbox = await stage.db.system.one<{ hits: bigint }>(sql`
      SELECT count(*) AS hits FROM kit.outbox WHERE position('planted-secret'::bytea IN payload) > 0 OR aggregate = ${gone}`);
    expect(outbox.hits).toBe(0n);
    // What comes afterwards is published behind it, once, by this relay and by the next.
    await happen(stage.db, stays, 200, 202);
    await until(async () => (await streamed(stage.nats)).at(-1)?.n === 202);
    await relay.stop();
    const next = startRelay({ db: stage.db, nats: stage.nats, domain: 'test' });
    await happen(stage.db, stays, 203);
    await until(async () => (await streamed(stage.nats)).at(-1)?.n === 203);
    await next.stop();
    expect((await streamed(stage.nats)).map(({ n }) => n)).toEqual([
      ...left.map(({ n }) => n),
      ...[200, 201, 202, 203],
    ]);
    expect(readable(stage.bus.folder, gone)).toEqual([]);
    expect(readable(stage.bus.folder, stays)).not.toEqual([]);
  });

  it('keeps them out of a broker that is filled again', async () => {
    const relay = startRelay({ db: stage.db, nats: stage.nats, domain: 'test' });
    await happen(stage.db, 'gone', 1, 3);
    await happen(stage.db, 'stays', 1, 3);
    await until(async () => (await inStream()).length === 6);
    await relay.stop();
    await bury('gone');
    await stage.db.system.run(sql`UPDATE kit.tombstone SET answered_at = now()`);
    expect(await forgetErased({ db: stage.db, nats: stage.nats, domain: 'test' })).toBe(1);
    expect(await forgetErased({ db: stage.db, nats: stage.nats, domain: 'test' })).toBe(0);
    const { streams } = await jetstreamManager(stage.nats);
    await streams.delete('RAPPORT_TEST');
    const again = startRelay({ db: stage.db, nats: stage.nats, domain: 'test' });
    await until(async () => (await inStream()).length === 3);
    await again.stop();
    expect((await streamed(stage.nats)).map(({ aggregate }) => aggregate)).toEqual(['stays', 'stays', 'stays']);
  });
});

describe('a tombstone', () => {
  it('keeps redelivered events of its aggregate from every consumer, and no others', async () => {
    const relay = startRelay({ db: stage.db, nats: stage.nats, domain: 'test' });
    await bury('gone');
    await happen(stage.db, 'gone', 1, 3);
    await happen(stage.db, 'stays', 1, 3);
    const applied: string[] = [];
    const batched: string[] = [];
    const consumer = startConsumer({
      db: stage.db,
      nats: stage.nats,
      name: 'single',
      handlers: [on(Happened, async (_tx, event) => void applied.push(event.aggregate))],
    });
    const batch = startBatchConsumer({
      db: stage.db,
      nats: stage.nats,
      name: 'batch',
      events: [Happened],
      handle: async (events) => void batched.push(...events.map(({ event }) => (event as Happened).aggregate)),
      maxEvents: 10,
      maxWaitMs: 10,
    });
    await until(async () => applied.length >= 3 && batched.length >= 3);
    await sleep(200);
    expect(applied).toEqual(['stays', 'stays', 'stays']);
    expect(batched).toEqual(['stays', 'stays', 'stays']);
    await Promise.all([consumer.stop(), batch.stop()]);
    await relay.stop();
    expect(await erasedAmong(stage.db.system, ['gone', 'stays'])).toEqual(['gone']);
  });
});

describe('the eraser', () => {
  it('removes, audits and answers once, with the stored answers and dead letters of the aggregate', async () => {
    await bury('a');
    await bury('b');
    await stage.db.system.run(sql`
      INSERT INTO kit.idempotency (subject, method, request_id, fingerprint, resource)
      SELECT 's', 'm', resource, '', resource
      FROM unnest(ARRAY['things/a', 'things/a/parts/1', 'things/ab', 'things/c', 'other/9']) AS resource`);
    const run = () =>
      carryOutErasures(
        options({
          erase: async (_tx, { aggregate }) => ({
            counts: { rows: aggregate === 'a' ? 2 : 0 },
            resources: ['other/9'],
          }),
        }),
      );
    const runs = await Promise.all([run(), run()]);
    expect(Math.max(...runs)).toBe(2);
    const events = await stage.db.system.rows<{ type: string }>(sql`SELECT type FROM kit.outbox`);
    expect(events).toHaveLength(2);
    const audited = await stage.db.system.rows<{ resource: string; detail: object }>(sql`
      SELECT resource, detail FROM kit.audit ORDER BY resource`);
    expect(audited).toMatchObject([
      { resource: 'things/a', detail: { change: { erased: { rows: 2 } } } },
      { resource: 'things/b', detail: { change: { erased: { rows: 0 } } } },
    ]);
    const left = await stage.db.system.rows<{ resource: string }>(sql`SELECT resource FROM kit.idempotency ORDER BY 1`);
    expect(left.map(({ resource }) => resource)).toEqual(['things/ab', 'things/c']);
    expect(await run()).toBe(0);
  });

  it('waits for whoever began before the tombstone, so that nothing is written behind its back', async () => {
    let release = (): void => undefined;
    const slow = stage.db.transaction(everything, async (tx) => {
      await tx.run(
        sql`INSERT INTO kit.attempt (consumer, event_id, attempts, reason) VALUES ('c', ${crypto.randomUUID()}, 1, 'X')`,
      );
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    await until(async () => {
      const { busy } = await stage.db.system.one<{ busy: boolean }>(sql`
        SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()) AS busy`);
      return busy;
    });
    await bury('a');
    const erase: EraserOptions<unknown>['erase'] = async (tx) => ({
      counts: { rows: await tx.run(sql`DELETE FROM kit.attempt`) },
    });
    expect(await carryOutErasures(options({ erase }))).toBe(0);
    release();
    await slow;
    expect(await carryOutErasures(options({ erase }))).toBe(1);
    const { left } = await stage.db.system.one<{ left: bigint }>(sql`SELECT count(*) AS left FROM kit.attempt`);
    expect(left).toBe(0n);
  });

  it('tries again what failed, and answers the others meanwhile', async () => {
    await bury('bad');
    await bury('good');
    let broken = true;
    const erase: EraserOptions<unknown>['erase'] = async (_tx, { aggregate }) => {
      if (broken && aggregate === 'bad') throw new Error('not now');
      return { counts: {} };
    };
    expect(await carryOutErasures(options({ erase }))).toBe(1);
    broken = false;
    expect(await carryOutErasures(options({ erase }))).toBe(1);
  });
});
