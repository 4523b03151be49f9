import { jetstreamManager } from '@nats-io/jetstream';
import { type TestBus, type TestDatabase, testBus, testDatabase } from '@rapport/test/kit';
import pg from 'pg';
import { type Database, everything, openDatabase, sql } from '../db/index.js';
import { type Nats, connectBus } from './bus.js';
import type { EventCodec, EventMeta } from './event.js';
import { publish } from './publish.js';

/** The event of these tests: the n-th thing that happened to an aggregate. */
export interface Happened {
  aggregate: string;
  n: number;
  poisoned?: boolean;
}

function codec<T>(type: string): EventCodec<T> {
  return {
    $type: type,
    encode: (message) => ({ finish: () => Buffer.from(JSON.stringify(message)) }),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as T,
  };
}

export const Happened = codec<Happened>('rapport.test.v1.Happened');
export const Finished = codec<{ aggregate: string }>('rapport.test.v1.Finished');

/** One database and one broker of a test file, and handles on them as separate processes would have them. */
export interface Stage {
  database: TestDatabase;
  bus: TestBus;
  db: Database;
  nats: Nats;
  /** Another process's pool; closed with the stage. */
  openDb(application: string): Database;
  /** Another process's connection; closed with the stage. */
  openBus(): Promise<Nats>;
  /** Ends connections to the database from outside, as a restart of Postgres does. */
  terminate(application?: string): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const database = await testDatabase('kit');
  const bus = await testBus();
  const pools: Database[] = [];
  const connections: Nats[] = [];
  const openDb = (application: string): Database => {
    const db = openDatabase({ url: database.url, application, max: 8 });
    pools.push(db);
    return db;
  };
  const openBus = async (): Promise<Nats> => {
    const nats = await connectBus({ url: bus.url, name: 'test' });
    connections.push(nats);
    return nats;
  };
  return {
    database,
    bus,
    db: openDb('stage'),
    nats: await openBus(),
    openDb,
    openBus,
    terminate: async (application) => {
      const client = new pg.Client({ connectionString: database.superuserUrl });
      await client.connect();
      await client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = $1 AND pid <> pg_backend_pid() AND ($2::text IS NULL OR application_name = $2)`,
        [database.name, application ?? null],
      );
      await client.end();
    },
    close: async () => {
      await Promise.all(connections.map((nats) => nats.close()));
      // A pool of a killed process may wait for ever for work that never ends.
      await Promise.race([Promise.all(pools.map((db) => db.close())), sleep(2000)]);
      await bus.close();
      await database.drop();
    },
  };
}

/** Publishes the events of one aggregate, each in a transaction of its own. */
export async function happen(
  db: Database,
  aggregate: string,
  from: number,
  to = from,
  poisoned = false,
): Promise<void> {
  for (let n = from; n <= to; n += 1) {
    const message = { aggregate, n, ...(poisoned ? { poisoned } : {}) };
    await db.transaction(everything, (tx) => publish(tx, Happened, message, { aggregate }));
  }
}

/** Every event in the stream, in its order. */
export async function streamed(nats: Nats): Promise<(Happened & { id: string })[]> {
  const { streams } = await jetstreamManager(nats);
  const { state } = await streams.info('RAPPORT_TEST');
  const all: (Happened & { id: string })[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await streams.getMessage('RAPPORT_TEST', { seq });
    if (message) all.push({ id: message.header.get('Nats-Msg-Id'), ...Happened.decode(message.data) });
  }
  return all;
}

export async function countStreamed(nats: Nats): Promise<number> {
  try {
    return (await (await jetstreamManager(nats)).streams.info('RAPPORT_TEST')).state.messages;
  } catch {
    return 0;
  }
}

/** How many events came before an earlier one of their aggregate. */
export function disorder(events: readonly Happened[]): number {
  const last = new Map<string, number>();
  let broken = 0;
  for (const { aggregate, n } of events) {
    if (n < (last.get(aggregate) ?? 0)) broken += 1;
    last.set(aggregate, Math.max(n, last.get(aggregate) ?? 0));
  }
  return broken;
}

export async function until(check: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await check())) {
    if (Date.now() > end) throw new Error('it did not come to pass in time');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A table of effects, in the order in which they were made. */
export async function createEffects(db: Database): Promise<void> {
  await db.system.run(sql`CREATE TABLE IF NOT EXISTS effect
    (place bigint GENERATED ALWAYS AS IDENTITY, consumer text, aggregate text, n int, event_id uuid)`);
}

export const note =
  (consumer: string) =>
  async (
    tx: { run(query: ReturnType<typeof sql>): Promise<number> },
    event: Happened,
    meta: EventMeta,
  ): Promise<void> => {
    await tx.run(sql`INSERT INTO effect (consumer, aggregate, n, event_id)
    VALUES (${consumer}, ${event.aggregate}, ${event.n}, ${meta.id})`);
  };

export async function effects(db: Database, consumer: string): Promise<Happened[]> {
  return db.system.rows<Happened>(sql`SELECT aggregate, n FROM effect WHERE consumer = ${consumer} ORDER BY place`);
}
