import { jetstream } from '@nats-io/jetstream';
import { type Database, everything, sql } from '../db/index.js';
import type { Nats } from './bus.js';
import { partitionOf } from './event.js';
import { eraseEvents } from './outbox.js';
import { findStream, manager, streamName } from './stream.js';

/** Aggregates whose events are forgotten in one walk through the stream. */
const BATCH = 200;
const FETCH = 1000;

/** The numbers of the messages of these aggregates in a stream. Reads the headers of their partitions, no payload. */
async function messagesOf(nats: Nats, domain: string, aggregates: ReadonlySet<string>): Promise<number[]> {
  const partitions = new Set([...aggregates].map(partitionOf));
  const found: number[] = [];
  for (const partition of partitions) {
    const consumer = await jetstream(nats, { timeout: 5000 }).consumers.get(streamName(domain), {
      filter_subjects: `rapport.${domain}.*.*.${partition}`,
      headers_only: true,
    });
    let { num_pending: pending } = await consumer.info();
    while (pending > 0) {
      const messages = await consumer.fetch({ max_messages: Math.min(pending, FETCH), expires: 5000 });
      let read = 0;
      for await (const message of messages) {
        read += 1;
        pending = message.info.pending;
        if (aggregates.has(message.headers?.get('ce-partitionkey') ?? '')) found.push(message.seq);
      }
      if (read === 0) break;
    }
    await consumer.delete();
  }
  return found;
}

/**
 * Takes the events of erased aggregates out of the outbox and then out of the stream, where the broker overwrites their
 * bytes before it lets go of them. Only the relay may do it, between two batches: it alone adds to the stream. The
 * numbers of the other messages stay, and with them what the relay and all consumers remember; a stream that is filled
 * again is filled without these events. Gives how many aggregates were forgotten. Safe to repeat.
 */
export async function forgetErased({
  db,
  nats,
  domain,
}: {
  db: Database;
  nats: Nats;
  domain: string;
}): Promise<number> {
  const rows = await db.system.rows<{ aggregate: string }>(sql`
    SELECT aggregate FROM kit.tombstone WHERE answered_at IS NOT NULL AND forgotten_at IS NULL LIMIT ${BATCH}`);
  if (rows.length === 0) return 0;
  const aggregates = rows.map(({ aggregate }) => aggregate);
  for (const aggregate of aggregates) await db.transaction(everything, (tx) => eraseEvents(tx, aggregate));
  if (await findStream(nats, domain)) {
    const { streams } = await manager(nats, 10_000);
    for (const number of await messagesOf(nats, domain, new Set(aggregates))) {
      await streams.deleteMessage(streamName(domain), number, true);
    }
  }
  await db.system.run(sql`
    UPDATE kit.tombstone SET forgotten_at = now() WHERE aggregate = ANY(${aggregates}::text[]) AND forgotten_at IS NULL`);
  return aggregates.length;
}
