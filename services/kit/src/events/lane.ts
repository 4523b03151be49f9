import {
  AckPolicy,
  type ConsumerInfo,
  DeliverPolicy,
  JetStreamApiError,
  jetstream,
  type JsMsg,
} from '@nats-io/jetstream';
import { type Database, type Lease, sql } from '../db/index.js';
import { logger } from '../runtime/index.js';
import { type Nats, onDisconnect } from './bus.js';
import { findStream, manager, streamName } from './stream.js';

/** One ordered part of what a consumer hears: some partitions of one domain's events. */
export interface Lane {
  /** The name of its lease. */
  name: string;
  consumer: string;
  domain: string;
  /** The broker's durable consumer. */
  durable: string;
  subjects: string[];
}

/** The broker delivered something else than what comes next; the lane starts again after the last acknowledged event. */
export class LaneBroken extends Error {}

const SECOND_NS = 1_000_000_000;
const ACK_WAIT_MS = 30_000;
const CONSUMER_NOT_FOUND = 10_014;

/** Splits what a consumer hears into lanes: `shards` for each domain. */
export function lanesOf(
  consumer: string,
  types: readonly string[],
  domainOf: (type: string) => string,
  shards: number,
  partitions: number,
): Lane[] {
  if (!/^[a-z][a-z0-9-]{0,60}$/.test(consumer)) throw new TypeError(`not a consumer name: ${consumer}`);
  const domains = new Map<string, string[]>();
  for (const type of [...types].sort()) domains.set(domainOf(type), [...(domains.get(domainOf(type)) ?? []), type]);
  return [...domains].flatMap(([domain, ofDomain]) =>
    Array.from({ length: shards }, (_, shard) => ({
      name: `consumer/${consumer}/${domain}/${shard}of${shards}`,
      consumer,
      domain,
      durable: `${consumer}-${shard}of${shards}`,
      subjects: Array.from({ length: partitions }, (_, partition) => partition)
        .filter((partition) => partition % shards === shard)
        .flatMap((partition) => ofDomain.map((type) => `${type}.${partition}`)),
    })),
  );
}

/** What the lane remembers in its lease about the durable it is about to replace. */
interface Memory {
  incarnation: string;
  floor: number;
  suspect: number;
}

/** An opened lane: where its deliveries begin. */
export interface Opened {
  /** The number of the next delivery; another one means that a delivery was lost on the way. */
  nextDelivery: number;
  /** Events up to this sequence were under way when an earlier holder ended, and may be what ended it. */
  suspect: number;
}

async function findDurable(nats: Nats, lane: Lane): Promise<ConsumerInfo | undefined> {
  try {
    return await (await manager(nats)).consumers.info(streamName(lane.domain), lane.durable);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND) return undefined;
    throw error;
  }
}

/** What the lane remembers. Throws when the lease belongs to another process by now. */
async function recall(db: Database, lease: Lease): Promise<Memory | undefined> {
  const row = await db.system.maybe<{ state: Memory | null }>(sql`
    SELECT state FROM kit.lease WHERE name = ${lease.name} AND holder = ${lease.holder} AND epoch = ${lease.epoch}`);
  if (!row) throw new LaneBroken('the lease is lost');
  return row.state ?? undefined;
}

async function remember(db: Database, lease: Lease, memory: Memory): Promise<void> {
  const kept = await db.system.run(sql`
    UPDATE kit.lease SET state = ${JSON.stringify(memory)}::jsonb
    WHERE name = ${lease.name} AND holder = ${lease.holder} AND epoch = ${lease.epoch}`);
  if (kept !== 1) throw new LaneBroken('the lease is lost');
}

/**
 * Prepares the durable of a lane for a new holder. Deliveries that an earlier holder left unacknowledged would come
 * again only after 30 seconds, behind later events of the same aggregates; so the durable is made anew just behind the
 * last event before which everything is acknowledged. That also cuts off an earlier holder that still pulls. Events
 * applied beyond that point come again and the inbox knows them. Gives undefined while there is no stream.
 */
export async function openLane(
  db: Database,
  nats: Nats,
  lane: Lane,
  lease: Lease,
  maxPending: number,
): Promise<Opened | undefined> {
  let memory = await recall(db, lease);
  const stream = await findStream(nats, lane.domain);
  if (!stream) return undefined;
  const incarnation = new Date(stream.created).toISOString();
  const { consumers } = await manager(nats, 10_000);
  const durable = await findDurable(nats, lane);
  if (durable && durable.num_ack_pending === 0) {
    await consumers.update(streamName(lane.domain), lane.durable, { filter_subjects: lane.subjects });
    return { nextDelivery: durable.delivered.consumer_seq + 1, suspect: 0 };
  }
  if (memory?.incarnation !== incarnation) memory = undefined;
  if (durable) {
    memory = { incarnation, floor: durable.ack_floor.stream_seq, suspect: durable.delivered.stream_seq };
    await remember(db, lease, memory);
    await consumers.delete(streamName(lane.domain), lane.durable);
  }
  const start = memory
    ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: memory.floor + 1 }
    : { deliver_policy: DeliverPolicy.All };
  await consumers.add(streamName(lane.domain), {
    durable_name: lane.durable,
    filter_subjects: lane.subjects,
    ack_policy: AckPolicy.Explicit,
    ack_wait: (ACK_WAIT_MS / 1000) * SECOND_NS,
    // Attempts are counted in the database: the broker's limit would drop the event without a word.
    max_deliver: -1,
    max_ack_pending: maxPending,
    ...start,
  });
  return { nextDelivery: 1, suspect: memory?.suspect ?? 0 };
}

/** Takes what a lane delivers. */
export interface Receiver {
  /** How many more events may come now. */
  room(): number;
  /** Resolves when there is room again. */
  whenRoom(signal: AbortSignal): Promise<void>;
  /** Takes one; must not throw. `suspect` events may have ended a process before. */
  take(message: JsMsg, suspect: boolean): void;
  /** A lane that starts again gives up what is not yet being processed and waits for what is. */
  reset(): Promise<void>;
}

const FETCH_MS = 5000;

async function pull(nats: Nats, lane: Lane, opened: Opened, receiver: Receiver, signal: AbortSignal): Promise<void> {
  const consumer = jetstream(nats, { timeout: 5000 }).consumers.getConsumerFromInfo(
    (await findDurable(nats, lane)) ?? broken('the durable is gone'),
  );
  let next = opened.nextDelivery;
  while (!signal.aborted) {
    const room = receiver.room();
    if (room <= 0) {
      await receiver.whenRoom(signal);
      continue;
    }
    const messages = await consumer.fetch({ max_messages: room, expires: FETCH_MS, bind: true });
    let disconnected = false;
    const stop = (): void => messages.stop();
    const unwatch = onDisconnect(nats, () => {
      disconnected = true;
      stop();
    });
    signal.addEventListener('abort', stop);
    try {
      for await (const message of messages) {
        if (signal.aborted) return;
        const { deliverySequence } = message.info;
        if (deliverySequence !== next) throw new LaneBroken(`delivery ${next} was lost`);
        next += 1;
        receiver.take(message, message.seq <= opened.suspect);
      }
    } finally {
      unwatch();
      signal.removeEventListener('abort', stop);
      messages.stop();
    }
    // What was on its way is lost, and would come again only after the broker's wait for acknowledgements.
    if (disconnected) throw new LaneBroken('the connection broke');
  }
}

function broken(message: string): never {
  throw new LaneBroken(message);
}

function waitMs(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}

/** Works a lane for as long as its lease is held: opens it, pulls, and after any trouble opens it again. */
export async function workLane(
  db: Database,
  nats: Nats,
  lane: Lane,
  lease: Lease,
  maxPending: number,
  receiver: Receiver,
): Promise<void> {
  let pauseMs = 100;
  while (!lease.signal.aborted) {
    try {
      const opened = await openLane(db, nats, lane, lease, maxPending);
      if (opened) {
        pauseMs = 100;
        await pull(nats, lane, opened, receiver, lease.signal);
      }
    } catch (error) {
      if (!lease.signal.aborted) logger.warn({ err: error, lane: lane.name }, 'a consumer starts again');
    } finally {
      await receiver.reset();
    }
    await waitMs(pauseMs, lease.signal);
    pauseMs = Math.min(pauseMs * 2, 5000);
  }
}
