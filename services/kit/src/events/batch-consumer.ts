import type { JsMsg } from '@nats-io/jetstream';
import { context, type Span, SpanKind, trace } from '@opentelemetry/api';
import { type Database, type Lease, leased, sql } from '../db/index.js';
import { logger, type Running } from '../runtime/index.js';
import { attribute, counter, extract, histogram, metric, recordError, tracer } from '../telemetry/index.js';
import { assertUsable, type Nats, pokeOver } from './bus.js';
import { delayAfter } from './consumer.js';
import { forgetAttempts, noteAttempt, park, parkBehind, register } from './dead-letter.js';
import {
  type Arrived,
  arrived,
  decode,
  domainOf,
  type EventCodec,
  type EventMeta,
  PARTITIONS,
  plainHeaders,
} from './event.js';
import { type Held, holdEvents } from './held.js';
import { observeLag } from './lag.js';
import { type Lane, lanesOf, type Receiver, workLane } from './lane.js';
import { isAway, isHopeless, LeaseLost, reasonOf } from './trouble.js';

/** What a batch consumer must know of an event type. */
export interface EventReader {
  readonly $type: string;
  decode(bytes: Uint8Array): unknown;
}

/** One event of a batch; `type` tells which message `event` is. */
export type BatchedEvent<C extends EventReader = EventReader> = C extends EventReader
  ? { type: C['$type']; event: ReturnType<C['decode']>; meta: EventMeta }
  : never;

/** How a batch consumer works. */
export interface BatchConsumerOptions<C extends EventReader> {
  db: Database;
  nats: Nats;
  /** The consumer's name, unique in the whole suite. Never change it. */
  name: string;
  events: readonly C[];
  /**
   * Applies a batch, in order within each aggregate. Must be idempotent: after a failure or a restart the same events
   * come again, in other batches. Each shard calls it for itself, one batch at a time.
   */
  handle: (events: BatchedEvent<C>[]) => Promise<void>;
  /** The most events of one batch. */
  maxEvents: number;
  /** How long the first event of a batch waits for others, in milliseconds. */
  maxWaitMs: number;
  shards?: number;
  /** Attempts before an event is parked, 8 unless told. */
  maxAttempts?: number;
  /** The wait after the first failed attempt in milliseconds, 100 unless told. */
  retryMs?: number;
  /** How long a silent process keeps its shards in milliseconds, 10,000 unless told. */
  leaseMs?: number;
}

const handled = counter(metric.eventHandled);
const duration = histogram(metric.eventDuration);
const delay = histogram(metric.eventDelay);

/** When so many events fail one by one and none succeeds, that says more of the sink than of the events. */
const OUTAGE = 10;

interface Entry {
  arrived: Arrived;
  suspect: boolean;
  counted: boolean;
}

interface Failed {
  one: Held<Entry>;
  error: unknown;
}

/** A span for each sampled event of the batch, so that every trace shows who processed it. */
function startSpans(consumer: string, entries: readonly Held<Entry>[]): Map<Held<Entry>, Span> {
  const spans = new Map<Held<Entry>, Span>();
  for (const one of entries) {
    const { meta } = one.event.arrived;
    if (!meta.traceparent?.endsWith('-01')) continue;
    const attributes = {
      'messaging.system': 'nats',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.destination.name': meta.type,
      'messaging.consumer.group.name': consumer,
      'messaging.message.id': meta.id,
      [attribute.eventType]: meta.type,
    };
    const parent = extract(meta.traceparent);
    spans.set(one, tracer().startSpan(`process ${meta.type}`, { kind: SpanKind.CONSUMER, attributes }, parent));
  }
  return spans;
}

function traceparentOf(active: Span | undefined, otherwise: string | undefined): string | undefined {
  if (!active?.isRecording()) return otherwise;
  const { traceId, spanId } = active.spanContext();
  return `00-${traceId}-${spanId}-01`;
}

/** Applies batches of one lane. */
function createSink<C extends EventReader>(options: BatchConsumerOptions<C>, lane: Lane, lease: Lease) {
  const { db, handle, events } = options;

  function read(entry: Entry, active: Span | undefined): BatchedEvent<C> {
    const { meta, payload } = entry.arrived;
    const reader = events.find((one) => one.$type === meta.type);
    if (!reader) throw new Error(`${lane.consumer} does not read ${meta.type}`);
    const event = decode(reader as unknown as EventCodec<unknown>, payload);
    const traceparent = traceparentOf(active, meta.traceparent);
    return { type: meta.type, event, meta: { ...meta, traceparent } } as BatchedEvent<C>;
  }

  async function handleAll(entries: readonly Held<Entry>[]): Promise<void> {
    const spans = startSpans(lane.consumer, entries);
    const started = performance.now();
    try {
      const batch = entries.map((one) => read(one.event, spans.get(one)));
      const only = entries.length === 1 && entries[0] ? spans.get(entries[0]) : undefined;
      await (only ? context.with(trace.setSpan(context.active(), only), () => handle(batch)) : handle(batch));
      const seconds = (performance.now() - started) / 1000 / entries.length;
      for (const one of entries) {
        const { type, occurred } = one.event.arrived.meta;
        const labels = { [attribute.consumer]: lane.consumer, [attribute.eventType]: type };
        duration.record(seconds, labels);
        delay.record((Date.now() - occurred.getTime()) / 1000, labels);
      }
    } catch (error) {
      for (const active of spans.values()) recordError(active, error);
      throw error;
    } finally {
      for (const active of spans.values()) active.end();
    }
  }

  /**
   * Halves what fails until the failing events stand alone, and leaves out the events of an aggregate behind its failed
   * one. Throws, and nothing counts as failed, when the sink is away or the first ten events alone all fail.
   */
  async function bisect(entries: readonly Held<Entry>[], failed: Failed[], applied: Held<Entry>[]): Promise<void> {
    const broken = new Set(failed.map(({ one }) => one.event.arrived.meta.aggregate));
    const tried = entries.filter((one) => !broken.has(one.event.arrived.meta.aggregate));
    if (tried.length === 0) return;
    try {
      await handleAll(tried);
      applied.push(...tried);
    } catch (error) {
      if (isAway(error)) throw error;
      const [first] = tried;
      if (tried.length === 1 && first) {
        failed.push({ one: first, error });
        if (applied.length === 0 && failed.length >= OUTAGE) throw error;
        return;
      }
      const middle = Math.ceil(tried.length / 2);
      await bisect(tried.slice(0, middle), failed, applied);
      await bisect(tried.slice(middle), failed, applied);
    }
  }

  /** Which of these aggregates have a parked event or were erased. Throws when the lease belongs to another process. */
  async function barredOf(entries: readonly Held<Entry>[]): Promise<{ parked: Set<string>; erased: Set<string> }> {
    const aggregates = entries.map((one) => one.event.arrived.meta.aggregate);
    const { fenced, parked, erased } = await db.system.one<{ fenced: boolean; parked: string[]; erased: string[] }>(sql`
      SELECT EXISTS (SELECT FROM kit.lease
          WHERE name = ${lease.name} AND holder = ${lease.holder} AND epoch = ${lease.epoch}) AS fenced,
        ARRAY(SELECT DISTINCT aggregate FROM kit.dead_letter
          WHERE consumer = ${lane.consumer} AND applied_at IS NULL AND aggregate = ANY(${aggregates}::text[])) AS parked,
        ARRAY(SELECT aggregate FROM kit.tombstone WHERE aggregate = ANY(${aggregates}::text[])) AS erased`);
    if (!fenced) throw new LeaseLost();
    return { parked: new Set(parked), erased: new Set(erased) };
  }

  return { bisect, barredOf };
}

function createReceiver<C extends EventReader>(
  options: BatchConsumerOptions<C>,
  lane: Lane,
  lease: Lease,
): Receiver & { stop(): void } {
  const { db, maxEvents, maxWaitMs, maxAttempts = 8, retryMs = 100 } = options;
  const { consumer } = lane;
  const limit = Math.max(2 * maxEvents, 500);
  const held = holdEvents<Entry>(limit);
  const sink = createSink(options, lane, lease);
  let waiting: Held<Entry>[] = [];
  const blockedUntil = new Map<string, number>();
  let pausedUntil = 0;
  let outages = 0;
  let firstCame = 0;
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined;
  let stopped = false;

  const aggregateOf = (one: Held<Entry>): string => one.event.arrived.meta.aggregate;
  function count(type: string, outcome: string, events: number): void {
    handled.add(events, {
      [attribute.consumer]: consumer,
      [attribute.eventType]: type,
      [attribute.eventOutcome]: outcome,
    });
  }
  function remove(done: readonly Held<Entry>[]): void {
    const gone = new Set(done);
    waiting = waiting.filter((one) => !gone.has(one));
  }

  async function giveUp(one: Held<Entry>, reason: string, attempts: number): Promise<void> {
    await park(db, consumer, one.event.arrived, reason, attempts);
    held.term(one, reason);
    remove([one]);
    count(one.event.arrived.meta.type, 'parked', 1);
  }

  async function finish(applied: readonly Held<Entry>[]): Promise<void> {
    const counted = applied.filter((one) => one.event.counted).map((one) => one.event.arrived.meta.id);
    if (counted.length > 0) await forgetAttempts(db.system, consumer, counted);
    held.ackAll(applied);
    const byType = Map.groupBy(applied, (one) => one.event.arrived.meta.type);
    for (const [type, ones] of byType) count(type, 'applied', ones.length);
    remove(applied);
  }

  async function fail({ one, error }: Failed): Promise<void> {
    const { meta } = one.event.arrived;
    const reason = reasonOf(error);
    const attempts = await noteAttempt(db, consumer, meta.id, reason);
    one.event.counted = true;
    count(one.event.arrived.meta.type, 'failed', 1);
    logger.warn({ err: error, consumer, event: meta.id, type: meta.type, attempts, reason }, 'an event failed');
    const crowd = waiting.filter((other) => aggregateOf(other) === meta.aggregate).length;
    if (attempts >= maxAttempts || isHopeless(error) || crowd > limit / 4) return giveUp(one, reason, attempts);
    blockedUntil.set(meta.aggregate, Date.now() + delayAfter(attempts, retryMs));
  }

  /** Puts aside what was erased, what may have ended a process before, and what waits behind a parked event. */
  async function choose(batch: readonly Held<Entry>[]): Promise<Held<Entry>[]> {
    const { parked, erased } = await sink.barredOf(batch);
    const chosen: Held<Entry>[] = [];
    for (const one of batch) {
      if (erased.has(aggregateOf(one))) {
        held.ack(one);
        remove([one]);
        count(one.event.arrived.meta.type, 'repeated', 1);
        continue;
      }
      if (parked.has(aggregateOf(one)) && (await parkBehind(db, consumer, one.event.arrived))) {
        held.term(one, 'behind a parked event');
        remove([one]);
        count(one.event.arrived.meta.type, 'parked', 1);
        continue;
      }
      if (one.event.suspect && !one.event.counted) {
        const attempts = await noteAttempt(db, consumer, one.event.arrived.meta.id, 'INTERRUPTED');
        one.event.counted = true;
        if (attempts > maxAttempts) {
          await giveUp(one, 'INTERRUPTED', attempts - 1);
          parked.add(aggregateOf(one));
          continue;
        }
      }
      chosen.push(one);
    }
    return chosen;
  }

  async function flush(batch: readonly Held<Entry>[]): Promise<void> {
    try {
      const chosen = await choose(batch);
      const failed: Failed[] = [];
      const applied: Held<Entry>[] = [];
      await sink.bisect(chosen, failed, applied);
      outages = 0;
      await finish(applied);
      for (const one of failed) await fail(one);
    } catch (error) {
      if (stopped) return;
      const wait = Math.min(250 * 2 ** outages, 10_000);
      outages += 1;
      pausedUntil = Date.now() + wait;
      logger.warn({ err: error, consumer }, 'a batch waits for its sink');
    }
  }

  function ready(now: number): Held<Entry>[] {
    if (now < pausedUntil) return [];
    for (const [aggregate, until] of blockedUntil) if (until <= now) blockedUntil.delete(aggregate);
    return waiting.filter((one) => !blockedUntil.has(aggregateOf(one))).slice(0, maxEvents);
  }

  function nextLook(now: number): number {
    if (now < pausedUntil) return pausedUntil;
    return Math.min(...blockedUntil.values(), now + 1000);
  }

  function plan(): void {
    clearTimeout(timer);
    if (stopped || flushing || waiting.length === 0) return;
    const now = Date.now();
    const batch = ready(now);
    const due = firstCame + maxWaitMs;
    if (batch.length > 0 && (batch.length >= maxEvents || now >= due || held.room() <= 0)) {
      flushing = flush(batch).finally(() => {
        flushing = undefined;
        firstCame = Date.now();
        plan();
      });
      return;
    }
    timer = setTimeout(plan, Math.max(1, (batch.length > 0 ? due : nextLook(now)) - now));
  }

  return {
    room: held.room,
    whenRoom: held.whenRoom,
    take: (message: JsMsg, suspect) => {
      try {
        const event = arrived(plainHeaders(message.headers), message.data, {
          subject: message.subject,
          sequence: message.seq,
          time: message.time,
        });
        const one = held.add(message, { arrived: event, suspect, counted: false });
        if (!one) return;
        if (waiting.length === 0) firstCame = Date.now();
        waiting.push(one);
        if (waiting.length === 1 || waiting.length % maxEvents === 0 || blockedUntil.size > 0 || held.room() <= 0)
          plan();
      } catch (error) {
        logger.error({ err: error, consumer, sequence: message.seq }, 'a message that is no event was dropped');
        message.term('not an event');
      }
    },
    reset: async () => {
      stopped = true;
      clearTimeout(timer);
      await flushing;
      waiting = [];
      blockedUntil.clear();
      pausedUntil = 0;
      held.clear();
      stopped = false;
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      held.stop();
    },
  };
}

/**
 * Hears events in batches, for sinks that are idempotent by themselves (an analytic table that keeps one row per event
 * id). A batch that fails is halved until the failing events stand alone; they are tried again with growing waits and
 * parked at last, later events of their aggregates behind them, while all others flow. While the sink is away nothing is
 * parked. Shards, takeover and restarts are those of `startConsumer`.
 */
export function startBatchConsumer<C extends EventReader>(options: BatchConsumerOptions<C>): Running {
  const { db, nats, name, events, handle, shards = 4, leaseMs } = options;
  assertUsable(nats);
  pokeOver(nats);
  const lanes = lanesOf(name, [...new Set(events.map((one) => one.$type))], domainOf, shards, PARTITIONS);
  const unregister = register(db, name, async (_tx, { meta, payload }) => {
    const reader = events.find((one) => one.$type === meta.type);
    if (!reader) throw new Error(`${name} does not read ${meta.type}`);
    const event = decode(reader as unknown as EventCodec<unknown>, payload);
    await handle([{ type: meta.type, event, meta } as BatchedEvent<C>]);
  });
  const working = leased({
    db,
    group: `consumer/${name}`,
    names: lanes.map((lane) => lane.name),
    work: async (lease) => {
      const lane = lanes.find((one) => one.name === lease.name);
      if (!lane) return;
      const receiver = createReceiver(options, lane, lease);
      try {
        await workLane(db, nats, lane, lease, Math.max(2 * options.maxEvents, 500) * 2, receiver);
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
