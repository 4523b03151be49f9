import { horizon, type Queryable, sql, type Tx } from '../db/index.js';
import type { OutboxRow } from './event.js';
import { eventsOf, FRAME_PATTERN, withoutAggregate } from './frame.js';

/** A place in the outbox: everything up to it, in the order (xid, id), is behind. */
export interface Position {
  xid: string;
  id: string;
}

/** Before the first event. */
export const START: Position = { xid: '0', id: '00000000-0000-0000-0000-000000000000' };

/**
 * Gives the rows behind a position, events and frames, in the order in which they must be published: as many as hold
 * `limit` events. The first frame may hold some events that the position is already past.
 */
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
    SELECT ${columns} FROM (
      SELECT *, sum(events) OVER (ORDER BY o.xid, o.id ROWS UNBOUNDED PRECEDING) - events AS before
      FROM kit.outbox o WHERE (o.xid, o.id) > (${after.xid}::xid8, ${after.id}::uuid) AND o.xid < ${horizon}
      ORDER BY o.xid, o.id LIMIT ${limit}) o
    WHERE before < ${limit} ORDER BY o.xid, o.id`);

/** Where an event lies in the outbox, by itself or in a frame, unless it is no longer there. */
export async function positionOf(db: Queryable, id: string): Promise<Position | undefined> {
  const row = await db.maybe<OutboxRow>(sql`
    SELECT ${columns} FROM kit.outbox o WHERE id >= ${id}::uuid AND (id = ${id}::uuid OR first_id <= ${id}::uuid)
    ORDER BY id LIMIT 1`);
  // Ids of other processes lie between those of a frame.
  return row && eventsOf(row).some((event) => event.id === id) ? { xid: row.xid, id } : undefined;
}

/**
 * Deletes the events of an aggregate from the outbox, published or not, with the transaction: a broker that is filled
 * again does not get them back. What the broker has already is not touched. Gives how many events were deleted. Reads
 * the frames of all kept days, which may take seconds after large imports; repeating it changes nothing.
 */
export async function eraseEvents(tx: Tx, aggregate: string): Promise<number> {
  let erased = await tx.run(sql`DELETE FROM kit.outbox WHERE aggregate = ${aggregate} AND first_id IS NULL`);
  const found = await tx.rows<{ id: string }>(sql`
    SELECT id FROM kit.outbox WHERE type LIKE ${FRAME_PATTERN}
      AND position(convert_to(${aggregate}, 'UTF8') IN payload) > 0 ORDER BY id`);
  for (const { id } of found) {
    const frame = await tx.one<{ payload: Buffer; events: number }>(sql`
      SELECT payload, events FROM kit.outbox WHERE id = ${id}::uuid FOR UPDATE`);
    const left = withoutAggregate(frame.payload, aggregate);
    erased += frame.events - left.events;
    await tx.run(
      left.events === 0
        ? sql`DELETE FROM kit.outbox WHERE id = ${id}::uuid`
        : sql`UPDATE kit.outbox SET payload = ${left.bytes}, events = ${left.events} WHERE id = ${id}::uuid`,
    );
  }
  return erased;
}

/** How far the relay is behind the outbox. */
export interface OutboxLag {
  /** Events that are not yet in the stream, those of 100,000 rows at most; a frame counts until its last event is. */
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
      SELECT occurred_at, events FROM kit.outbox WHERE (xid, id) > (SELECT xid, id FROM cursor) ORDER BY xid, id LIMIT 100000
    )
    SELECT coalesce(sum(events), 0) AS pending, coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float8 AS age FROM waiting`);
  return { pending: Number(row.pending), oldestAgeSeconds: Math.max(0, row.age) };
}
