import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { logger } from '../runtime/index.js';
import {
  ask,
  brokeConnection,
  checkOut,
  createPool,
  guardedPool,
  observePool,
  refusalsOf,
  type Slot,
  slots,
} from './pool.js';
import { arrayLiteral } from './array-literal.js';
import { groupedReads } from './grouped.js';
import { copyIn } from './copy.js';
import { needsNewPlans, planName, renewPlans, retryable, retryDelay } from './retry.js';
import { everything, type Scope, type SessionSettings, sessionSettings } from './scope.js';
import { type Sql, statementName } from './sql.js';
import type { Database, DatabaseOptions, Queryable, Tx } from './types.js';

type Send = (query: Sql) => Promise<pg.QueryResult>;

function send(client: pg.ClientBase, query: Sql): Promise<pg.QueryResult> {
  const { text, name } = query;
  const values = query.values.map((value) => (Array.isArray(value) ? arrayLiteral(value) : value));
  return ask(client, name === '' ? { text, values } : { name: planName(name), text, values });
}

function queryable(run: Send): Queryable {
  return {
    rows: async <T>(query: Sql) => (await run(query)).rows as T[],
    one: async <T>(query: Sql) => {
      const { rows } = await run(query);
      if (rows.length !== 1) throw new Error(`expected one row, got ${rows.length}`);
      return rows[0] as T;
    },
    maybe: async <T>(query: Sql) => {
      const { rows } = await run(query);
      if (rows.length > 1) throw new Error(`expected at most one row, got ${rows.length}`);
      return rows[0] as T | undefined;
    },
    run: async (query) => (await run(query)).rowCount ?? 0,
  };
}

/**
 * One statement on a connection of its own, sent again once when the tables beneath its plan have changed. Without
 * settings the connection sees whatever it saw last.
 */
function standalone(pool: pg.Pool, settings?: SessionSettings): Queryable {
  const once: Send = async (query) => {
    const client = await (settings ? checkOut(pool, settings) : pool.connect());
    let broken = false;
    try {
      return await send(client, query);
    } catch (error) {
      broken = brokeConnection(error);
      throw error;
    } finally {
      client.release(broken);
    }
  };
  return queryable(async (query) => {
    try {
      return await once(query);
    } catch (error) {
      if (!needsNewPlans(error)) throw error;
      renewPlans();
      return once(query);
    }
  });
}

interface Attempt<P> {
  tx: Tx<P>;
  committed(): void;
}

function attempt<P>(client: pg.ClientBase, prisma: P): Attempt<P> {
  const afterwards: (() => void)[] = [];
  const tx: Tx<P> = {
    ...queryable((query) => send(client, query)),
    prisma,
    copy: ({ text }, data) => copyIn(client, `COPY ${text} FROM STDIN (FORMAT binary)`, data),
    marks: new Set(),
    afterCommit: (fn) => void afterwards.push(fn),
  };
  const committed = (): void => {
    for (const fn of afterwards) {
      try {
        fn();
      } catch (error) {
        logger.error({ err: error }, 'a step after a commit failed');
      }
    }
  };
  return { tx, committed };
}

/**
 * Throws when a statement failed and the caller went on: Postgres would turn the COMMIT into a ROLLBACK without an
 * error. Asks the server only when it has refused something, which a savepoint may have made good.
 */
async function assertCommittable(client: pg.ClientBase, refusedBefore: number): Promise<void> {
  if (refusalsOf(client) === refusedBefore) return;
  await client.query('SELECT 1').catch((error: unknown) => {
    throw new Error('the transaction holds a failed statement and cannot be committed', { cause: error });
  });
}

/** The part of a generated Prisma client that this door drives. */
interface PrismaLike {
  $transaction<T>(fn: (client: unknown) => Promise<T>, options: { maxWait: number; timeout: number }): Promise<T>;
  $disconnect(): Promise<void>;
}

async function plainTransaction<P, T>(
  pool: pg.Pool,
  settings: SessionSettings,
  fn: (tx: Tx<P>) => Promise<T>,
): Promise<T> {
  const client = await checkOut(pool, settings);
  let broken = false;
  const { tx, committed } = attempt<P>(client, undefined as P);
  let result: T;
  try {
    await client.query('BEGIN');
    const refused = refusalsOf(client);
    result = await fn(tx);
    await assertCommittable(client, refused);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
  committed();
  return result;
}

async function prismaTransaction<P, T>(
  prisma: PrismaLike,
  settings: SessionSettings,
  timeout: number,
  fn: (tx: Tx<P>) => Promise<T>,
): Promise<T> {
  const slot: Slot = { settings };
  let committed = (): void => undefined;
  const result = await slots.run(slot, () =>
    prisma.$transaction(
      async (client) => {
        if (!slot.client) throw new Error('Prisma opened the transaction on a connection of its own');
        const connection = slot.client;
        const made = attempt<P>(connection, client as P);
        committed = made.committed;
        const refused = refusalsOf(connection);
        const answer = await slots.exit(() => fn(made.tx));
        await assertCommittable(connection, refused);
        return answer;
      },
      { maxWait: 10_000, timeout },
    ),
  );
  committed();
  return result;
}

/**
 * Opens the pool of a service's database. Connects at the first query, and again whenever Postgres comes back, so it
 * never fails by itself. With `prisma`, the service's generated client shares the connection of each transaction.
 */
export function openDatabase<P = unknown>(options: DatabaseOptions<P>): Database<P> {
  const pool = createPool(options);
  const guarded = guardedPool(pool);
  const stopObserving = observePool(pool, options);
  const adapter = new PrismaPg(guarded, { statementNameGenerator: (query) => planName(statementName(query.sql)) });
  const prisma = options.prisma?.(adapter);
  const timeout = options.transactionTimeoutMs ?? 60_000;
  let closing: Promise<void> | undefined;

  async function persist<T>(attemptOnce: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await attemptOnce();
      } catch (error) {
        if (!retryable(error) || tried > 3) throw error;
        if (needsNewPlans(error)) renewPlans();
        await retryDelay(tried);
      }
    }
  }

  async function close(): Promise<void> {
    stopObserving();
    await (prisma as PrismaLike | undefined)?.$disconnect();
    await pool.end();
  }

  const scoped = (scope: Scope) => standalone(pool, sessionSettings(scope));
  const shared = {
    scoped,
    grouped: groupedReads(scoped),
    system: standalone(pool, sessionSettings(everything)),
    unprotected: standalone(pool),
    pool: guarded,
    close: () => (closing ??= close()),
  };
  const plain: Database = {
    ...shared,
    transaction: (scope, fn) => persist(() => plainTransaction(pool, sessionSettings(scope), fn)),
    get plain() {
      return plain;
    },
  };
  if (prisma === undefined) return plain as Database<P>;
  const driven = prisma as unknown as PrismaLike;
  return {
    ...shared,
    transaction: (scope, fn) => persist(() => prismaTransaction(driven, sessionSettings(scope), timeout, fn)),
    plain,
  };
}
