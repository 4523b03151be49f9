import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
} from '@clickhouse/client';
import { activeTraceId, attribute, counter, histogram, metric, span } from '../telemetry/index.js';
import { AnalyticsError, analyticsError } from './errors.js';
import { type Lanes, openLanes, serialLanes } from './lanes.js';
import { bindParameters, type Parameters, rowToJson } from './parameters.js';

export interface AnalyticsOptions {
  /** http(s)://user:password@host:8123/database of a ClickHouse server or cluster; absent: the embedded engine */
  url?: string | undefined;
  /** name of the cluster that the server's tables are spread over; absent: one server, or a cluster of nothing but replicas */
  cluster?: string | undefined;
  /** directory of the embedded engine, made when absent. One process at a time, one directory per process. */
  path?: string | undefined;
  /** memory that one statement may take, in bytes (default 1 GB); at half of it grouping and sorting go to disk */
  maxMemoryBytes?: number;
  /** time that one statement may take, in seconds (default 60) */
  maxSeconds?: number;
  /** connections for queries in the embedded engine, beside the one for writes (default 2) */
  readers?: number;
}

export interface Analytics {
  readonly engine: 'embedded' | 'cluster';
  /** the cluster that tables are spread over */
  readonly cluster: string | undefined;
  /**
   * Rows of one SELECT. Values are bound as `{name:Type}`, never put into the text. 64-bit integers come as numbers,
   * rounded above 2^53 (select `toString(x)` where that matters), decimals as strings, times as UTC text.
   */
  query<T>(sql: string, parameters?: Parameters, options?: { signal?: AbortSignal }): Promise<T[]>;
  /**
   * The rows of one SELECT, some at a time, for answers that should not be held at once. On a cluster the statement runs
   * while the rows are read; the embedded engine has run it before the first ones come. Leaving the loop ends it.
   */
  stream<T>(sql: string, parameters?: Parameters, options?: { signal?: AbortSignal }): AsyncIterable<T[]>;
  /** Inserts rows (objects by column name) as one block; resolves when the engine has written them. Not idempotent. */
  insert(table: string, rows: readonly object[]): Promise<void>;
  /**
   * Runs one statement without an answer: DDL, INSERT … SELECT, ALTER … DELETE (waits for the mutation). `beside`: it takes
   * long and other writes need not wait for it; in the embedded engine it then runs where queries do.
   */
  command(sql: string, parameters?: Parameters, options?: { beside?: boolean }): Promise<void>;
  /** Runs each statement in order; they must be harmless when repeated (CREATE … IF NOT EXISTS). */
  ensure(statements: readonly string[]): Promise<void>;
  /** Waits for what runs, then closes. Idempotent. */
  close(): Promise<void>;
}

type NodeConnection = NonNullable<ClickHouseClientConfigOptions['connection']>;

const duration = histogram(metric.analyticsDuration);
const inserted = counter(metric.analyticsInserted);

/** Where tables are spread over a cluster, what was written is read, from whichever replica, and subqueries see all of it. */
const spread: ClickHouseSettings = {
  distributed_foreground_insert: 1,
  insert_quorum: 'auto',
  insert_quorum_parallel: 0,
  select_sequential_consistency: '1',
  distributed_product_mode: 'global',
  // what is grouped by the key that rows are spread by is grouped where it lies
  optimize_skip_unused_shards: 1,
  optimize_distributed_group_by_sharding_key: 1,
};

function settingsOf(options: AnalyticsOptions): ClickHouseSettings {
  const memory = options.maxMemoryBytes ?? 1_000_000_000;
  return {
    max_memory_usage: String(memory),
    max_bytes_before_external_group_by: String(Math.floor(memory / 2)),
    max_bytes_before_external_sort: String(Math.floor(memory / 2)),
    max_execution_time: options.maxSeconds ?? 60,
    session_timezone: 'UTC',
    date_time_input_format: 'best_effort',
    output_format_json_quote_64bit_integers: 0,
    output_format_json_quote_decimals: 1,
    async_insert: 0,
    // an erasure that answers before it happened would be a lie
    mutations_sync: '1',
    ...(options.cluster === undefined ? {} : spread),
  };
}

/** The client's own log repeats the engine's messages, which quote data; our errors say what may be said. */
const common = {
  json: { parse: JSON.parse, stringify: rowToJson },
  log: { level: ClickHouseLogLevel.OFF },
} as const;

function embedded(path: string): ClickHouseClient {
  // Only here, so that an image that talks to a cluster does not need the library (300 MB).
  const { createChdbConnection } = require('chdb/connection') as typeof import('chdb/connection');
  try {
    // the library's own copy of the client's types is another version; the objects are the same
    const connection = createChdbConnection({
      path,
    }) as unknown as NodeConnection;
    return createClient({
      connection,
      ...common,
    });
  } catch {
    throw new AnalyticsError(
      'EEMBEDDED',
      'CONNECTION',
      `cannot open ${path}: another process has it, or this process has another directory open`,
      undefined,
      true,
    );
  }
}

/**
 * Opens the analytic store: a ClickHouse server when `url` is given, else the same engine inside this process on
 * `path`. The same SQL runs on both. Throws AnalyticsError when the directory is in use.
 *
 * Measured on two cores with the embedded engine: a bound one-row query
 * 1.5 ms, an insert of one row 2 ms and of 50,000 rows 90 ms; 257 MB RSS when loaded, 330 MB after a scan.
 */
export function openAnalytics(options: AnalyticsOptions): Analytics {
  const settings = settingsOf(options);
  let writer: Lanes;
  let readers: Lanes;
  const engine = options.url ? 'cluster' : 'embedded';
  if (options.url) {
    const client = createClient({
      url: options.url,
      clickhouse_settings: settings,
      request_timeout: ((options.maxSeconds ?? 60) + 5) * 1000,
      compression: { request: true, response: true },
      ...common,
    });
    writer = openLanes(client);
    readers = writer;
  } else {
    if (!options.path) throw new RangeError('openAnalytics needs a url or a path');
    const path = resolve(options.path);
    mkdirSync(path, { recursive: true });
    // Settings passed with a statement would stay on the connection, so they are set once, here.
    const first = Object.entries(settings).map(([name, value]) => `SET ${name} = '${String(value)}'`);
    writer = serialLanes([embedded(path)], first);
    readers = serialLanes(
      Array.from({ length: options.readers ?? 2 }, () => embedded(path)),
      first,
    );
  }

  let closing: Promise<void> | undefined;

  async function statement<T>(kind: 'query' | 'insert' | 'command', text: string, fn: () => Promise<T>): Promise<T> {
    if (closing) throw new AnalyticsError('0', 'CLOSED', text.slice(0, 500), undefined, false);
    const attributes = {
      [attribute.engine]: engine,
      [attribute.statement]: kind,
    };
    const run = async () => {
      try {
        return await duration.time(attributes, fn);
      } catch (error) {
        throw error instanceof RangeError ? error : analyticsError(error, text);
      }
    };
    // no root spans of their own for loops that poll
    if (activeTraceId() === undefined) return run();
    return span(`clickhouse ${kind}`, { ...attributes, 'db.system.name': 'clickhouse', 'db.query.text': text }, run, {
      kind: 'client',
    });
  }

  const analytics: Analytics = {
    engine,
    cluster: options.cluster,
    query: <T>(sql: string, parameters: Parameters = {}, queryOptions: { signal?: AbortSignal } = {}) =>
      statement('query', sql, () => {
        const query_params = bindParameters(sql, parameters);
        return readers.run(async (client) => {
          queryOptions.signal?.throwIfAborted();
          const answer = await client.query({
            query: sql,
            query_params,
            format: 'JSONEachRow',
            ...(queryOptions.signal ? { abort_signal: queryOptions.signal } : {}),
          });
          return answer.json<T>();
        });
      }),
    async *stream<T>(sql: string, parameters: Parameters = {}, streamOptions: { signal?: AbortSignal } = {}) {
      const answer = await statement('query', sql, () => {
        const query_params = bindParameters(sql, parameters);
        return readers.run(async (client) => {
          streamOptions.signal?.throwIfAborted();
          return client.query({
            query: sql,
            query_params,
            format: 'JSONEachRow',
            ...(streamOptions.signal ? { abort_signal: streamOptions.signal } : {}),
          });
        });
      });
      try {
        for await (const rows of answer.stream<T>()) yield rows.map((row) => row.json());
      } catch (error) {
        throw analyticsError(error, sql);
      } finally {
        answer.close();
      }
    },
    insert: (table, rows) => {
      if (!/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$/.test(table)) return Promise.reject(new RangeError('not a table name'));
      if (rows.length === 0) return Promise.resolve();
      return statement('insert', `INSERT INTO ${table} FORMAT JSONEachRow`, async () => {
        await writer.run((client) => client.insert({ table, values: rows, format: 'JSONEachRow' }));
        inserted.add(rows.length, { [attribute.engine]: engine });
      });
    },
    command: (sql, parameters = {}, { beside = false } = {}) =>
      statement('command', sql, async () => {
        const query_params = bindParameters(sql, parameters);
        await (beside ? readers : writer).run((client) => client.command({ query: sql, query_params }));
      }),
    async ensure(statements) {
      for (const sql of statements) await analytics.command(sql);
    },
    close() {
      closing ??= (async () => {
        for (const lanes of new Set([readers, writer])) await lanes.close();
      })();
      return closing;
    },
  };
  return analytics;
}
