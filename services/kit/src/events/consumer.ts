import type { JsMsg } from '@nats-io/jetstream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, everything, type Lease, leased, sql, type Tx } from '../db/index.js';
import { logger, type Running } from '../runtime/index.js';
import { attribute, counter, histogram, metric, span } from '../telemetry/index.js';
import { assertUsable, type Nats, pokeOver } from './bus.js';
import { forgetAttempts, noteAttempt, park, parkBehind, register } from './dead-letter.js';
import { type Arrived, arrived, domainOf, type EventHandler, PARTITIONS, plainHeaders } from './event.js';
import { type Held, holdEvents } from './held.js';
import { type Lane, lanesOf, type Receiver, workLane } from './lane.js';
import { observeLag } from './lag.js';
import { isAway, isHopeless, LeaseLost, reasonOf } from './trouble.js';

/** How a consumer works. */
export interface ConsumerOptions<P = unknown> {
  db: Database<P>;
  nats: Nats;
  /** The consumer's name, unique in the whole suite: `segmentation-membership`. Never change it: it names its inbox. */
  name: string;
  handlers: readonly EventHandler<P>[];
  /** Parts that may run in different processes, 4 unless told. */
  shards?: number;
  /** Transactions at once in this process, 4 unless told. */
  concurrency?: number;
  /** Attempts before an event is parked, 8 unless told: about one and a half minutes. */
  maxAttempts?: number;
  /** The wait after the first failed attempt in milliseconds, 100 unless told; four times as long after each other, at
   * most 30 seconds. */
  retryMs?: number;
  /** How long a silent process keeps its shards in milliseconds, 10,000 unless told. */
  leaseMs?: number;
}

const handled = counter(metric.eventHandled);
const duration = histogram(metric.eventDuration);
const delay = histogram(metric.eventDelay);
const LIMIT = 500;
const MAX_DELAY_MS = 30_000;

/** The wait after an attempt, in milliseconds. */
export function delayAfter(attempt: number, firstMs: number): number {
  return Math.min(firstMs * 4 ** (attempt - 1), MAX_DELAY_MS);
}

/** Runs at most `most` functions at once; the others wait in line. */
function limiter(most: number): <T>(fn: () => Promise<T>) => Promise<T> {
  let running = 0;
  const line: (() => void)[] = [];
  return async (fn) => {
    if (running >= most) await new Promise<void>((resolve) => line.push(resolve));
    else running += 1;
    try {
      return await fn();
    } finally {
      const next = line.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

interface Claim {
  fenced: boolean;
  parked: boolean;
  claimed: boolean;
}

/**
 * Notes the event as applied, unless the lease is another's, the event was applied before, its aggregate was erased, or
 * an earlier one of its aggregate is parked. Waits for a transaction that applies the same event at this moment.
 */
function claim(tx: Tx, lane: Lane, lease: Lease, { meta }: Arrived): Promise<Claim> {
  return tx.one<Claim>(sql`
    WITH fence AS (
      SELECT FROM kit.lease WHERE name = ${lease.name} AND holder = ${lease.holder} AND epoch = ${lease.epoch}
    ), parked AS (
      SELECT FROM kit.dead_letter
      WHERE consumer = ${lane.consumer} AND aggregate = ${meta.aggregate} AND applied_at IS NULL LIMIT 1
    ), claimed AS (
      INSERT INTO kit.inbox (event_id, consumer) SELECT ${meta.id}::uuid, ${lane.consumer}
      WHERE EXISTS (SELECT FROM fence) AND NOT EXISTS (SELECT FROM parked)
        AND NOT EXISTS (SELECT FROM kit.tombstone WHERE aggregate = ${meta.aggregate})
      ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT EXISTS (SELECT FROM fence) AS fenced, EXISTS (SELECT FROM parked) AS parked,
      EXISTS (SELECT FROM claimed) AS claimed`);
}

type Outcome = 'applied' | 'repeated' | 'parked';

interface Entry {
  arrived: Arrived;
  /** Was it under way when an earlier process ended? Then each attempt is counted before it is made. */
  suspect: boolean;
  /** Has it attempts in the database that are to be forgotten? */
  counted: boolean;
}

function attributesOf(consumer: string, type: string) {
  return {
    'messaging.system': 'nats',
    'messaging.operation.type': 'process',
    'messaging.operation.name': 'process',
    'messaging.destination.name': type,
    'messaging.consumer.group.name': consumer,
    [attribute.eventType]: type,
  };
}

/** Applies one event in one transaction with its inbox row. */
async function apply<P>(options: ConsumerOptions<P>, lane: Lane, lease: Lease, entry: Entry): Promise<Outcome> {
  const { db, handlers } = options;
  const { meta, payload } = entry.arrived;
  const handler = handlers.find((one) => one.type === meta.type);
  if (!handler) throw new Error(`${lane.consumer} has no handler for ${meta.type}`);
  const started = performance.now();
  const outcome = await db.transaction(everything, async (tx): Promise<Outcome> => {
    const { fenced, parked, claimed } = await claim(tx, lane, lease, entry.arrived);
    if (!fenced) throw new LeaseLost();
    if (parked) return 'parked';
    if (!claimed) return 'repeated';
    await handler.handle(tx, payload, meta);
    if (entry.counted) await forgetAttempts(tx, lane.consumer, [meta.id]);
    return 'applied';
  });
  if (outcome === 'parked') {
    // Redriven in this very moment: then it is this event's turn.
    return (await parkBehind(db, lane.consumer, entry.arrived)) ? 'parked' : apply(options, lane, lease, entry);
  }
  if (outcome === 'applied') {
    const labels = { [attribute.consumer]: lane.consumer, [attribute.eventType]: meta.type };
    duration.record((performance.now() - started) / 1000, labels);
    delay.record((Date.now() - meta.occurred.getTime()) / 1000, labels);
  }
  return outcome;
}

/** The receiver of one lane: each aggregate's events one after the other, different aggregates side by side. */
function createReceiver<P>(
  options: ConsumerOptions<P>,
  lane: Lane,
  lease: Lease,
  limited: <T>(fn: () => Promise<T>) => Promise<T>,
): Receiver & { stop(): void } {
  const { db, maxAttempts = 8, retryMs = 100 } = options;
  const { consumer } = lane;
  const held = holdEvents<Entry>(LIMIT);
  const queues = new Map<string, Held<Entry>[]>();
  const draining = new Set<Promise<void>>();
  let round = new AbortController();

  function count(entry: Entry, outcome: string): void {
    const labels = { [attribute.consumer]: consumer, [attribute.eventType]: entry.arrived.meta.type };
    handled.add(1, { ...labels, [attribute.eventOutcome]: outcome });
  }

  async function giveUp(one: Held<Entry>, reason: string, attempts: number): Promise<'done'> {
    await park(db, consumer, one.event.arrived, reason, attempts);
    held.term(one, reason);
    count(one.event, 'parked');
    return 'done';
  }

  /** One attempt; gives 'done' or how many milliseconds to wait before the next. */
  async function attempt(one: Held<Entry>, crowd: number, away: number): Promise<'done' | number> {
    const { event: entry } = one;
    const { meta } = entry.arrived;
    try {
      if (entry.suspect) {
        entry.counted = true;
        const attempts = await noteAttempt(db, consumer, meta.id, 'INTERRUPTED');
        if (attempts > maxAttempts) return await giveUp(one, 'INTERRUPTED', attempts - 1);
      }
      const outcome = await span(
        `process ${meta.type}`,
        { ...attributesOf(consumer, meta.type), 'messaging.message.id': meta.id },
        () => apply(options, lane, lease, entry),
        { kind: 'consumer', ...(meta.traceparent === undefined ? {} : { parent: meta.traceparent }) },
      );
      if (outcome === 'parked') held.term(one, 'behind a parked event');
      else held.ack(one);
      count(entry, outcome);
      return 'done';
    } catch (error) {
      if (isAway(error)) return Math.min(250 * 2 ** away, 5000);
      const reason = reasonOf(error);
      const attempts = entry.suspect
        ? await noteAttempt(db, consumer, meta.id, reason).then((noted) => noted)
        : await noteAttempt(db, consumer, meta.id, reason);
      entry.counted = true;
      count(entry, 'failed');
      logger.warn({ err: error, consumer, event: meta.id, type: meta.type, attempts, reason }, 'an event failed');
      // A crowd behind it would fill the lane and stop other aggregates.
      if (attempts >= maxAttempts || isHopeless(error) || crowd > LIMIT / 4) return giveUp(one, reason, attempts);
      return delayAfter(attempts, retryMs);
    }
  }

  async function drain(queue: Held<Entry>[], signal: AbortSignal): Promise<void> {
    let away = 0;
    for (;;) {
      const one = queue[0];
      if (!one || signal.aborted) return;
      // A failure to count or to park is the database's: tried again like its other absences.
      const result = await limited(async () => (signal.aborted ? 0 : attempt(one, queue.length, away))).catch(
        (error: unknown) => {
          logger.warn({ err: error, consumer }, 'an event waits for the database');
          return 1000;
        },
      );
      if (result === 'done') {
        queue.shift();
        away = 0;
        continue;
      }
      away += 1;
      await sleep(result, undefined, { signal }).catch(() => undefined);
    }
  }

  return {
    room: held.room,
    whenRoom: held.whenRoom,
    take: (message: JsMsg, suspect) => {
      let event: Arrived;
      try {
        event = arrived(plainHeaders(message.headers), message.data, {
          subject: message.subject,
          sequence: message.seq,
          time: message.time,
        });
      } catch (error) {
        logger.error({ err: error, consumer, sequence: message.seq }, 'a message that is no event was dropped');
        message.term('not an event');
        return;
      }
      const one = held.add(message, { arrived: event, suspect, counted: false });
      if (!one) return;
      const { aggregate } = event.meta;
      const queue = queues.get(aggregate);
      if (queue) {
        queue.push(one);
        return;
      }
      const fresh = [one];
      queues.set(aggregate, fresh);
      const work = drain(fresh, round.signal).finally(() => {
        if (queues.get(aggregate) === fresh) queues.delete(aggregate);
        draining.delete(work);
      });
      draining.add(work);
    },
    reset: async () => {
      round.abort();
      await Promise.all(draining);
      queues.clear();
      held.clear();
      round = new AbortController();
    },
    stop: held.stop,
  };
}

/**
 * Hears events until stopped: one event is one transaction that holds its inbox row and its effect, so it is applied
 * once however often it comes. Events of one aggregate are applied in order; one that fails is tried again with growing
 * waits and holds up only its own aggregate; after the last attempt it is parked as a dead letter, and later ones of its
 * aggregate behind it. Every process may start it: the shards are spread over them, and a shard whose process ends is
 * taken over within 15 seconds. Survives restarts of Postgres and of the broker.
 */
export function startConsumer<P = unknown>(options: ConsumerOptions<P>): Running {
  const { nats, name, handlers, shards = 4, concurrency = 4, leaseMs } = options;
  const db = options.db as Database;
  assertUsable(nats);
  pokeOver(nats);
  const types = handlers.map((handler) => handler.type);
  if (new Set(types).size !== types.length) throw new Error(`${name} has two handlers for one event type`);
  const lanes = lanesOf(name, types, domainOf, shards, PARTITIONS);
  const limited = limiter(concurrency);
  const unregister = register(db, name, async (tx, { meta, payload }) => {
    const handler = handlers.find((one) => one.type === meta.type);
    if (!handler) throw new Error(`${name} has no handler for ${meta.type}`);
    await handler.handle(tx as Tx<P>, payload, meta);
  });
  const working = leased({
    db,
    group: `consumer/${name}`,
    names: lanes.map((lane) => lane.name),
    work: async (lease) => {
      const lane = lanes.find((one) => one.name === lease.name);
      if (!lane) return;
      const receiver = createReceiver(options, lane, lease, limited);
      try {
        await workLane(db, nats, lane, lease, LIMIT * 2, receiver);
      } finally {
        receiver.stop();
      }
    },
    ...(leaseMs === undefined ? {} : { ttlMs: leaseMs }),
  });
  const unobserve = observeLag(db, nats, name, lanes);
  return {
    stop: async () => {
      unobserve();
      unregister();
      await working.stop();
    },
  };
}
