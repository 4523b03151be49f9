import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import type pg from 'pg';
import type { Scope } from './scope.js';
import type { Sql } from './sql.js';

/**
 * Runs tagged SQL. Rows come as objects of their columns: int8 as bigint, numeric as string, timestamptz as Date, date
 * as 'YYYY-MM-DD'. Errors are those of Postgres (`code` holds the SQLSTATE).
 */
export interface Queryable {
  rows<T>(query: Sql): Promise<T[]>;
  /** Throws when there is not exactly one row. */
  one<T>(query: Sql): Promise<T>;
  /** Throws when there is more than one row. */
  maybe<T>(query: Sql): Promise<T | undefined>;
  /** Gives the number of rows that were changed. */
  run(query: Sql): Promise<number>;
}

/** How rows are read by key, many by one statement. A constant of a module: each constant is a kind of read. */
export interface GroupedRead<Row> {
  /** The statement for the rows of these keys inside the scope; at most one row for each key. */
  query(keys: readonly string[], scope: Scope): Sql;
  /** The key that a row answers to. */
  key(row: Row): string;
  /** Keys in one statement, 200 unless told: fewer for rows that take long, because each call waits for the whole. */
  most?: number;
}

/** One transaction: Prisma's client and tagged SQL on the same connection. */
export interface Tx<P = unknown> extends Queryable {
  prisma: P;
  /**
   * Copies rows into a table: `into` is the table with its columns, `transaction_stage (holding_id, amount)`, `data`
   * their binary form (as `copyWriter` makes it). Gives the number of rows. Much cheaper than INSERT for many rows, but
   * Postgres refuses it for tables with row security: those are copied into a temporary table first.
   */
  copy(into: Sql, data: Buffer): Promise<number>;
  /** Runs after the commit, in order; never after a rollback. What it throws is logged and changes nothing. */
  afterCommit(fn: () => void): void;
  /** What was done in this transaction, for checks before the commit (`audit` marks that an audit record exists). */
  marks: Set<string>;
}

/** A pool of connections to the service's own database. */
export interface Database<P = unknown> {
  /** Queries that see only the rows of the scope, each on its own. */
  scoped(scope: Scope): Queryable;
  /**
   * The row of a key inside the scope, by a statement that it shares with the calls that ask at the same time; see
   * `groupedReads`. The row may be shared too, so it must not be changed.
   */
  grouped<Row>(scope: Scope, read: GroupedRead<Row>, key: string): Promise<Row | undefined>;
  /** Queries of the service itself that see every row. */
  system: Queryable;
  /**
   * Queries of tables that have no row security. Of a protected table they may see anything or nothing. They leave the
   * connection as it was: where calls of many scopes share a pool, telling a connection its scope twice per such query
   * costs more than the query.
   */
  unprotected: Queryable;
  /**
   * Runs `fn` in one transaction (READ COMMITTED) and commits when it returns; when it throws, nothing has happened.
   * After a serialization failure or a deadlock the whole of `fn` runs again, at most three times more, so it must have
   * no effect outside of the transaction. No remote calls inside.
   */
  transaction<T>(scope: Scope, fn: (tx: Tx<P>) => Promise<T>): Promise<T>;
  /**
   * The same pool with transactions that have no Prisma client: Prisma's engine takes 30 MB from its first transaction
   * on, so work that every idle process does, and verbs with SQL of their own, run here.
   */
  plain: Database;
  /** The connections beneath, for COPY and the like. A client taken from here sees no row of a protected table. */
  pool: pg.Pool;
  /** Waits for the queries in progress and closes every connection. Idempotent. */
  close(): Promise<void>;
}

/** A figure about the pool, in connections or callers. */
export type PoolMetric = 'used' | 'idle' | 'waiting' | 'max';

/** How a database is opened. */
export interface DatabaseOptions<P> {
  url: string;
  /** The most connections at once, 10 unless told. */
  max?: number;
  /** What Postgres shows as application_name. */
  application: string;
  /** Makes the service's Prisma client; without it `tx.prisma` is undefined. */
  prisma?: (adapter: SqlMigrationAwareDriverAdapterFactory) => P;
  /** Hears the pool's figures about once a second besides the gauges of OpenTelemetry. */
  onMetric?: (metric: PoolMetric, value: number) => void;
  /**
   * Plan each prepared statement once and for all values. Saves the planning of statements over many partitions, which
   * can cost ten times their execution; not for statements whose best plan depends on the values.
   */
  genericPlans?: boolean;
  /** How long one statement may take in milliseconds, 30,000 unless told. */
  statementTimeoutMs?: number;
  /** How long one transaction may take in milliseconds, 60,000 unless told. */
  transactionTimeoutMs?: number;
}
