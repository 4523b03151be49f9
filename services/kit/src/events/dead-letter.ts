import { type Database, everything, type Queryable, sql, type Tx } from '../db/index.js';
import { logger, uuidv7 } from '../runtime/index.js';
import { activeTraceId } from '../telemetry/index.js';
import type { Arrived, EventMeta } from './event.js';
import { reasonOf } from './trouble.js';

/** An event that a consumer gave up, or that waits behind one. */
export interface DeadLetter {
  id: string;
  consumer: string;
  eventId: string;
  type: string;
  aggregate: string;
  /** In capitals; AGGREGATE_PARKED for one that was not tried because an earlier event of its aggregate is parked. */
  reason: string;
  attempts: number;
  traceId: string | undefined;
  occurred: Date;
  parked: Date;
  redriven: Date | undefined;
}

/** Which dead letters are meant; every field that is set must match. */
export interface DeadLetterFilter {
  ids?: readonly string[];
  consumer?: string;
  type?: string;
  reason?: string;
  since?: Date;
}

/** The reason of events that wait behind a parked one. */
export const BEHIND = 'AGGREGATE_PARKED';

/** Events of one aggregate are parked and redriven one process at a time, until the transaction ends. */
async function lockAggregate(tx: Tx, consumer: string, aggregate: string): Promise<void> {
  await tx.rows(sql`SELECT pg_advisory_xact_lock(hashtextextended(${`dead-letter ${consumer} ${aggregate}`}, 0))`);
}

function isParked(tx: Queryable, consumer: string, aggregate: string): Promise<{ parked: boolean }> {
  return tx.one(sql`
    SELECT EXISTS (SELECT FROM kit.dead_letter
      WHERE consumer = ${consumer} AND aggregate = ${aggregate} AND applied_at IS NULL) AS parked`);
}

async function insert(tx: Tx, consumer: string, event: Arrived, reason: string, attempts: number): Promise<void> {
  const { meta, payload, headers } = event;
  const traceId = meta.traceparent?.split('-')[1] ?? activeTraceId() ?? null;
  await tx.run(sql`
    INSERT INTO kit.dead_letter (id, consumer, event_id, type, aggregate, partition, stream_sequence, payload, headers,
      trace_id, reason, attempts, occurred_at)
    VALUES (${uuidv7()}, ${consumer}, ${meta.id}, ${meta.type}, ${meta.aggregate}, ${meta.partition}, ${meta.sequence},
      ${Buffer.from(payload)}, ${JSON.stringify(headers)}, ${traceId}, ${reason}, ${attempts}, ${meta.occurred})
    ON CONFLICT (consumer, event_id) DO NOTHING`);
  await tx.run(sql`DELETE FROM kit.attempt WHERE consumer = ${consumer} AND event_id = ${meta.id}`);
}

/** Parks an event that failed for the last time. */
export async function park(
  db: Database,
  consumer: string,
  event: Arrived,
  reason: string,
  attempts: number,
): Promise<void> {
  await db.transaction(everything, async (tx) => {
    await lockAggregate(tx, consumer, event.meta.aggregate);
    await insert(tx, consumer, event, reason, attempts);
  });
  logger.error({ consumer, event: event.meta.id, type: event.meta.type, reason, attempts }, 'an event was parked');
}

/** Parks an event behind those of its aggregate; tells false, and does nothing, when none is parked any more. */
export async function parkBehind(db: Database, consumer: string, event: Arrived): Promise<boolean> {
  return db.transaction(everything, async (tx) => {
    await lockAggregate(tx, consumer, event.meta.aggregate);
    const { parked } = await isParked(tx, consumer, event.meta.aggregate);
    if (parked) await insert(tx, consumer, event, BEHIND, 0);
    return parked;
  });
}

/** Counts an attempt of an event and gives the count, which outlives this process. */
export async function noteAttempt(db: Database, consumer: string, eventId: string, reason: string): Promise<number> {
  const { attempts } = await db.system.one<{ attempts: number }>(sql`
    INSERT INTO kit.attempt AS known (consumer, event_id, attempts, reason) VALUES (${consumer}, ${eventId}, 1, ${reason})
    ON CONFLICT (consumer, event_id) DO UPDATE
      SET attempts = known.attempts + 1, reason = excluded.reason, updated_at = now()
    RETURNING attempts`);
  return attempts;
}

/** Forgets the attempts of events that were applied. */
export async function forgetAttempts(db: Queryable, consumer: string, eventIds: readonly string[]): Promise<void> {
  await db.run(sql`DELETE FROM kit.attempt WHERE consumer = ${consumer} AND event_id = ANY(${[...eventIds]}::uuid[])`);
}

/** Applies one event again, inside the transaction that takes it out of the dead letters. */
export type Redrive = (tx: Tx, event: Arrived) => Promise<void>;

const redrives = new WeakMap<Database, Map<string, Redrive>>();

/** Tells how dead letters of a consumer of this process are applied. Gives the function that forgets it. */
export function register(db: Database, consumer: string, redrive: Redrive): () => void {
  const known = redrives.get(db) ?? new Map<string, Redrive>();
  redrives.set(db, known.set(consumer, redrive));
  return () => {
    if (known.get(consumer) === redrive) known.delete(consumer);
  };
}

interface Row {
  id: string;
  consumer: string;
  event_id: string;
  type: string;
  aggregate: string;
  partition: number;
  stream_sequence: bigint;
  payload: Buffer;
  headers: Record<string, string>;
  reason: string;
  attempts: number;
  trace_id: string | null;
  occurred_at: Date;
  parked_at: Date;
  redriven_at: Date | null;
}

function matches(filter: DeadLetterFilter) {
  const { ids, consumer = null, type = null, reason = null, since = null } = filter;
  return sql`applied_at IS NULL
    AND (${ids ? [...ids] : null}::uuid[] IS NULL OR id = ANY(${ids ? [...ids] : null}::uuid[]))
    AND (${consumer}::text IS NULL OR consumer = ${consumer}) AND (${type}::text IS NULL OR type = ${type})
    AND (${reason}::text IS NULL OR reason = ${reason})
    AND (${since}::timestamptz IS NULL OR parked_at >= ${since})`;
}

function letterOf(row: Row): DeadLetter {
  return {
    id: row.id,
    consumer: row.consumer,
    eventId: row.event_id,
    type: row.type,
    aggregate: row.aggregate,
    reason: row.reason,
    attempts: row.attempts,
    traceId: row.trace_id ?? undefined,
    occurred: row.occurred_at,
    parked: row.parked_at,
    redriven: row.redriven_at ?? undefined,
  };
}

function eventOf(row: Row): Arrived {
  const meta: EventMeta = {
    id: row.event_id,
    type: row.type,
    aggregate: row.aggregate,
    time: row.parked_at,
    occurred: row.occurred_at,
    sequence: Number(row.stream_sequence),
    traceparent: row.headers['traceparent'],
    partition: row.partition,
    ...(row.headers['ce-organisationpath'] === undefined
      ? {}
      : { organisationPath: row.headers['ce-organisationpath'] }),
  };
  return { meta, payload: row.payload, headers: row.headers };
}

/** What became of a redrive. */
export interface Redriven {
  /** How many were tried again. */
  redriven: number;
  /** How many of them failed again and stay. */
  failed: number;
  /** Of the ids asked for, those that are not parked. */
  missing: string[];
}

/** The next letter of an aggregate, tried in a transaction of its own. */
async function redriveNext(
  db: Database,
  consumer: string,
  aggregate: string,
  redrive: Redrive,
): Promise<'none' | 'applied' | 'failed'> {
  let head: Row | undefined;
  try {
    return await db.transaction(everything, async (tx) => {
      await lockAggregate(tx, consumer, aggregate);
      head = await tx.maybe<Row>(sql`
        SELECT * FROM kit.dead_letter WHERE consumer = ${consumer} AND aggregate = ${aggregate} AND applied_at IS NULL
        ORDER BY position LIMIT 1`);
      if (!head) return 'none';
      const first = await tx.run(sql`
        INSERT INTO kit.inbox (event_id, consumer) VALUES (${head.event_id}, ${consumer}) ON CONFLICT DO NOTHING`);
      if (first === 1) await redrive(tx, eventOf(head));
      await tx.run(sql`UPDATE kit.dead_letter SET applied_at = now(), redriven_at = now() WHERE id = ${head.id}`);
      return 'applied';
    });
  } catch (error) {
    if (!head) throw error;
    const reason = reasonOf(error);
    logger.error({ err: error, consumer, event: head.event_id, reason }, 'a redriven event failed again');
    await db.system.run(sql`
      UPDATE kit.dead_letter SET redriven_at = now(), attempts = attempts + 1, reason = ${reason} WHERE id = ${head.id}`);
    return 'failed';
  }
}

/** Lists and redrives the dead letters of this database. */
export function deadLetters(db: Database): {
  /** Parked letters in the order of (parked, id), at most `limit`, behind `after`. */
  list(filter: DeadLetterFilter, limit: number, after?: { parked: Date; id: string }): Promise<DeadLetter[]>;
  /**
   * Puts the letters through their consumers' handlers in this process, each aggregate from its oldest letter on until
   * one fails, those parked behind included. Redriving twice at once applies nothing twice. Begins no further letter
   * after `until`, when given.
   */
  redrive(filter: DeadLetterFilter, until?: Date): Promise<Redriven>;
  /** How many letters each consumer has. */
  counts(): Promise<Map<string, number>>;
} {
  return {
    list: async (filter, limit, after) => {
      const rows = await db.system.rows<Row>(sql`
        SELECT * FROM kit.dead_letter WHERE ${matches(filter)}
          AND (${after?.parked ?? null}::timestamptz IS NULL
            OR (date_trunc('milliseconds', parked_at), id) > (${after?.parked ?? null}, ${after?.id ?? null}::uuid))
        ORDER BY date_trunc('milliseconds', parked_at), id LIMIT ${limit}`);
      return rows.map(letterOf);
    },
    redrive: async (filter, until) => {
      const chosen = await db.system.rows<{ id: string; consumer: string; aggregate: string; position: bigint }>(sql`
        SELECT id, consumer, aggregate, position FROM kit.dead_letter WHERE ${matches(filter)} ORDER BY position`);
      const aggregates = new Map(chosen.map((row) => [`${row.consumer} ${row.aggregate}`, row]));
      const result: Redriven = { redriven: 0, failed: 0, missing: [] };
      for (const { consumer, aggregate } of aggregates.values()) {
        const redrive = redrives.get(db)?.get(consumer);
        if (!redrive) throw new Error(`the consumer ${consumer} does not run in this process`);
        while (!until || Date.now() < until.getTime()) {
          const outcome = await redriveNext(db, consumer, aggregate, redrive);
          if (outcome === 'none') break;
          result.redriven += 1;
          if (outcome === 'applied') continue;
          result.failed += 1;
          break;
        }
      }
      const found = new Set(chosen.map((row) => row.id));
      result.missing = (filter.ids ?? []).filter((id) => !found.has(id));
      return result;
    },
    counts: async () => {
      const rows = await db.system.rows<{ consumer: string; letters: bigint }>(sql`
        SELECT consumer, count(*) AS letters FROM kit.dead_letter WHERE applied_at IS NULL GROUP BY consumer`);
      return new Map(rows.map((row) => [row.consumer, Number(row.letters)]));
    },
  };
}
