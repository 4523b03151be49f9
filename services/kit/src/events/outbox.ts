import { horizon, type Queryable, sql } from '../db/index.js';
import type { OutboxRow } from './event.js';

/** A place in the outbox: everything up to it, in the order (xid, id), is behind. */
export interface Position {
  xid: string;
  id: string;
}

/** Before the first event. */
export const START: Position = { xid: '0', id: '00000000-0000-0000-0000-000000000000' };

/** Gives the next events behind a position, in the order in which they must be published. */
export type ReadOutbox = (db: Queryable, after: Position, limit: number) => Promise<OutboxRow[]>;

const columns = sql.raw(`o.xid::text AS xid, id, aggregate, partition, type, subject, payload, traceparent, tracestate,
  organisation_path, occurred_at`);

/**
 * Reads in the order of transactions and stops before the oldest one in progress, whose events may still appear. An id
 * alone is given out before the commit: a reader that had passed it would never look back.
 */
export const readOutbox: ReadOutbox = (db, after, limit) =>
  // o.xid throughout: a bare xid in ORDER BY would mean the text that is given out.
  db.rows<OutboxRow>(sql`
    SELECT ${columns} FROM kit.outbox o
    WHERE (o.xid, o.id) > (${after.xid}::xid8, ${after.id}::uuid) AND o.xid < ${horizon}
    ORDER BY o.xid, o.id LIMIT ${limit}`);

/** Where an event lies in the outbox, unless it is no longer there. */
export async function positionOf(db: Queryable, id: string): Promise<Position | undefined> {
  return db.maybe<Position>(sql`SELECT xid::text AS xid, id FROM kit.outbox WHERE id = ${id}::uuid LIMIT 1`);
}

/** How far the relay is behind the outbox. */
export interface OutboxLag {
  /** Events that are not yet in the stream; counted up to 100,000. */
  pending: number;
  /** The age of the oldest of them in seconds, 0 when there is none. */
  oldestAgeSeconds: number;
}

/** Measures the outbox of a domain. Reads at most 100,000 index entries. */
export async function outboxLag(db: Queryable, domain: string): Promise<OutboxLag> {
  const row = await db.one<{ pending: bigint; age: number }>(sql`
    WITH cursor AS (
      SELECT coalesce((SELECT xid FROM kit.relay_cursor WHERE domain = ${domain}), ${START.xid}::xid8) AS xid,
        coalesce((SELECT id FROM kit.relay_cursor WHERE domain = ${domain}), ${START.id}::uuid) AS id
    ), waiting AS (
      SELECT occurred_at FROM kit.outbox WHERE (xid, id) > (SELECT xid, id FROM cursor) ORDER BY xid, id LIMIT 100000
    )
    SELECT count(*) AS pending, coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float8 AS age FROM waiting`);
  return { pending: Number(row.pending), oldestAgeSeconds: Math.max(0, row.age) };
}
