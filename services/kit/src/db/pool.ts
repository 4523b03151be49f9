import { AsyncLocalStorage } from 'node:async_hooks';
import { metrics } from '@opentelemetry/api';
import pg from 'pg';
import { logger } from '../runtime/index.js';
import { histogram, metric } from '../telemetry/index.js';
import { type SessionSettings, sessionSettings } from './scope.js';
import { textArray, timestamp } from './text-parsers.js';
import type { DatabaseOptions, PoolMetric } from './types.js';

/** Where a transaction waits for the connection that Prisma's adapter takes on its behalf. */
export interface Slot {
  settings: SessionSettings;
  client?: pg.PoolClient;
}

/** The slot of the transaction that is being opened in this asynchronous context. */
export const slots = new AsyncLocalStorage<Slot>();

const denied = sessionSettings({ kind: 'nothing' });

const INT8 = 20;
const DATE = 1082;
const INT8_ARRAY = 1016;
const DATE_ARRAY = 1182;
const TEXT_ARRAY = 1009;
const TIMESTAMPTZ = 1184;

type Parser = (value: string) => unknown;

const generalTexts = pg.types.getTypeParser(TEXT_ARRAY as number, 'text') as (value: string) => (string | null)[];
const texts = textArray(generalTexts);

function makeParser(oid: number): Parser {
  if (oid === INT8) return BigInt;
  if (oid === DATE) return String;
  if (oid === INT8_ARRAY) return (value) => texts(value).map((item) => (item === null ? null : BigInt(item)));
  if (oid === DATE_ARRAY) return texts;
  const parse = pg.types.getTypeParser(oid, 'text') as Parser;
  // Arrays of texts, and of uuids and what else is read as text.
  if (parse === (generalTexts as Parser)) return texts;
  if (oid === TIMESTAMPTZ) return timestamp(parse as (value: string) => Date | null);
  return parse;
}

const parsers = new Map<number, Parser>();

/** Asked for each column of each result. */
function parserOf(oid: number, format?: 'text' | 'binary'): Parser {
  if (format === 'binary') return pg.types.getTypeParser(oid, 'binary') as unknown as Parser;
  const parser = parsers.get(oid) ?? makeParser(oid);
  parsers.set(oid, parser);
  return parser;
}

/**
 * Postgres answers every error with a SQLSTATE. Any other error comes from the connection, which may hold a query whose
 * answer is still to come, so it must not go back to the pool.
 */
export function brokeConnection(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError);
}

const refusals = new WeakMap<pg.ClientBase, number>();

/** How many statements the server has refused on the connection so far, whoever sent them. */
export function refusalsOf(client: pg.ClientBase): number {
  return refusals.get(client) ?? 0;
}

/** Counts every error that the server sends; the promise of a statement may be dropped by whoever sent it. */
function countRefusals(client: pg.ClientBase): void {
  const { connection } = client as pg.ClientBase & { connection: NodeJS.EventEmitter };
  connection.on('errorMessage', () => refusals.set(client, refusalsOf(client) + 1));
}

/** Milliseconds that pg waits for an answer; 0 for as long as it takes. Its types leave them out. */
interface Waits {
  connectionParameters: { query_timeout: number };
}

/**
 * Sends one statement. What `client.query(config)` does, without its assignments of a function to `query.callback`: V8
 * allocates a function literal that is assigned to a property among the old objects, so that what it reaches (the query,
 * its rows, the promises of all who wait for them) was copied by each collection of the young generation and stayed
 * until the next full one: a fifth of what a read allocated, and three quarters of the time that collections took.
 */
export function ask(client: pg.ClientBase, config: pg.QueryConfig): Promise<pg.QueryResult> {
  const { connectionParameters: waits } = client as unknown as Waits;
  const wait = waits.query_timeout;
  return new Promise((resolve, reject) => {
    // The words of pg, by which the event consumer knows that a store is away.
    const timer = wait > 0 ? setTimeout(() => reject(new Error('Query read timeout')), wait) : undefined;
    const query = new pg.Query(config, (error: Error | undefined, result: pg.QueryResult) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve(result);
    });
    // Read within the call; pg would set up its own timer by another such assignment.
    waits.query_timeout = 0;
    try {
      client.query(query);
    } finally {
      waits.query_timeout = wait;
    }
  });
}

const applied = new WeakMap<pg.ClientBase, SessionSettings>();

/** Tells row security whose rows the connection may see; sends nothing when it was told the same before. */
function sameSettings(a: SessionSettings, b: SessionSettings): boolean {
  const one = a.scope === b.scope && a.branch === b.branch && a.subject === b.subject;
  return one && a.team === b.team && a.household === b.household;
}

async function apply(client: pg.ClientBase, settings: SessionSettings): Promise<void> {
  const last = applied.get(client);
  if (last && sameSettings(last, settings)) return;
  applied.delete(client);
  await ask(client, {
    name: 'r_session',
    text: `SELECT set_config('rapport.scope', $1, false), set_config('rapport.branch', $2, false),
      set_config('rapport.subject', $3, false), set_config('rapport.team', $4, false),
      set_config('rapport.household', $5, false)`,
    values: [settings.scope, settings.branch, settings.subject, settings.team, settings.household],
  });
  applied.set(client, settings);
}

const wait = histogram(metric.databaseWait);

/** Takes a connection that sees the rows of the settings. Release it with `true` when it broke. */
export async function checkOut(pool: pg.Pool, settings: SessionSettings): Promise<pg.PoolClient> {
  const client = await wait.time({}, () => pool.connect());
  try {
    await apply(client, settings);
    return client;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Opens the pool with every wait bounded; pg by itself would wait for ever. */
export function createPool<P>(options: DatabaseOptions<P>): pg.Pool {
  const statementTimeout = options.statementTimeoutMs ?? 30_000;
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.application,
    max: options.max ?? 10,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: 1800,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: statementTimeout,
    // A server that answers nothing at all does not end its statements either.
    query_timeout: statementTimeout + 5000,
    lock_timeout: 10_000,
    idle_in_transaction_session_timeout: 30_000,
    types: { getTypeParser: parserOf as typeof pg.types.getTypeParser },
  });
  pool.on('connect', (client) => {
    // Compiling costs milliseconds and is chosen for whatever looks expensive; services run short statements.
    const settings = options.genericPlans
      ? "SET jit = off; SET plan_cache_mode = 'force_generic_plan'"
      : 'SET jit = off';
    client.query(settings).catch((error: unknown) => logger.warn({ err: error }, 'a database connection broke'));
    countRefusals(client);
    // A connection that ends while it is in use tells so here; unheard, it would end the process. The query in
    // progress fails by itself.
    client.on('error', (error) => logger.warn({ err: error }, 'a database connection broke'));
  });
  pool.on('error', () => {
    // An idle connection broke and left the pool; the listener above has logged it.
  });
  return pool;
}

/**
 * The pool as Prisma and others outside see it: a connection that a transaction opens carries the transaction's scope
 * and is noted in its slot, so that tagged SQL runs on it too; any other connection is denied every protected row.
 */
export function guardedPool(pool: pg.Pool): pg.Pool {
  async function connect(): Promise<pg.PoolClient> {
    const slot = slots.getStore();
    const client = await checkOut(pool, slot?.settings ?? denied);
    if (slot) slot.client = client;
    return client;
  }
  type Callback = (
    error: Error | undefined,
    client: pg.PoolClient | undefined,
    done: (release?: unknown) => void,
  ) => void;
  const guarded: pg.Pool = Object.create(pool, {
    connect: {
      value: (callback?: Callback) => {
        if (!callback) return connect();
        connect().then(
          (client) => callback(undefined, client, client.release.bind(client) as (release?: unknown) => void),
          (error: Error) => callback(error, undefined, () => undefined),
        );
        return undefined;
      },
    },
  });
  return guarded;
}

function figures(pool: pg.Pool, max: number): Record<PoolMetric, number> {
  return { used: pool.totalCount - pool.idleCount, idle: pool.idleCount, waiting: pool.waitingCount, max };
}

/** Shows the pool to OpenTelemetry (`db.client.connection.*`) and to `onMetric`. Gives the function that ends it. */
export function observePool<P>(pool: pg.Pool, options: DatabaseOptions<P>): () => void {
  const max = options.max ?? 10;
  const meter = metrics.getMeter('rapport.kit.db');
  const count = meter.createObservableGauge('db.client.connection.count', { unit: '{connection}' });
  const waiting = meter.createObservableGauge('db.client.connection.pending_requests', { unit: '{request}' });
  const most = meter.createObservableGauge('db.client.connection.max', { unit: '{connection}' });
  const name = { 'db.client.connection.pool.name': options.application };
  const observe = (result: import('@opentelemetry/api').BatchObservableResult): void => {
    const now = figures(pool, max);
    result.observe(count, now.used, { ...name, 'db.client.connection.state': 'used' });
    result.observe(count, now.idle, { ...name, 'db.client.connection.state': 'idle' });
    result.observe(waiting, now.waiting, name);
    result.observe(most, now.max, name);
  };
  const observed = [count, waiting, most];
  meter.addBatchObservableCallback(observe, observed);
  const { onMetric } = options;
  const timer =
    onMetric &&
    setInterval(() => {
      const now = figures(pool, max);
      for (const metric of ['used', 'idle', 'waiting', 'max'] as const) onMetric(metric, now[metric]);
    }, 1000).unref();
  return () => {
    clearInterval(timer);
    meter.removeBatchObservableCallback(observe, observed);
  };
}
