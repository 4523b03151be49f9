import { context, trace } from '@opentelemetry/api';
import { type Sql, sql, type Tx } from '../db/index.js';
import { uuidv7 } from '../runtime/index.js';
import { poke } from './bus.js';
import { domainOf, type EventCodec, partitionOf } from './event.js';
import { FRAME_FROM, type Frame, type Framed, frameType, packFrame } from './frame.js';

/** What the broker must know of an event. Neither field may hold anything personal. */
export interface PublishOptions {
  /** The id of what the event is about; events of one aggregate are delivered in the order of their transactions. */
  aggregate: string;
  /** The resource name for CloudEvents, `parties/…`; the aggregate's id unless told. */
  subject?: string;
  /** Where in the organisation it happened; taken from the message's field `organisationPath` unless told. */
  organisationPath?: string;
}

function organisationPathOf(message: unknown): string | null {
  if (typeof message !== 'object' || message === null || !('organisationPath' in message)) return null;
  return typeof message.organisationPath === 'string' ? message.organisationPath : null;
}

/** The active trace as `traceparent` and `tracestate`. Read directly, so that it needs no configured propagator. */
function activeTrace(): { traceparent: string | null; tracestate: string | null } {
  const active = trace.getSpanContext(context.active());
  if (!active) return { traceparent: null, tracestate: null };
  const flags = active.traceFlags.toString(16).padStart(2, '0');
  return {
    traceparent: `00-${active.traceId}-${active.spanId}-${flags}`,
    tracestate: active.traceState?.serialize() || null,
  };
}

/**
 * Publishes an event with the transaction: it exists when the transaction commits and not otherwise. One INSERT into the
 * outbox; after the commit the relay is woken. Consumers may get it more than once and must not, by kit, apply it twice.
 */
export async function publish<T>(tx: Tx, codec: EventCodec<T>, message: T, options: PublishOptions): Promise<void> {
  await publishAll(tx, codec, [{ message, options }]);
}

/** An event with what the broker must know of it. */
interface Publication<T> {
  message: T;
  options: PublishOptions;
}

/**
 * Publishes many events of one type with a single INSERT, in the given order. Many share rows of the outbox as frames;
 * consumers see no difference.
 */
export async function publishAll<T>(tx: Tx, codec: EventCodec<T>, events: readonly Publication<T>[]): Promise<void> {
  await packAll(codec, events)(tx);
}

/**
 * The first half of `publishAll`: encodes the events now and gives the function that writes them with a transaction, once.
 * For very many events, which are best encoded while Postgres works on another statement.
 */
export function packAll<T>(codec: EventCodec<T>, events: readonly Publication<T>[]): (tx: Tx) => Promise<void> {
  if (events.length === 0) return async () => undefined;
  const insert = events.length < FRAME_FROM ? insertEvents(codec, events) : insertFrames(codec, events);
  const domain = domainOf(codec.$type);
  const mark = `poke:${domain}`;
  return async (tx) => {
    await tx.run(insert);
    if (tx.marks.has(mark)) return;
    tx.marks.add(mark);
    tx.afterCommit(() => poke(domain));
  };
}

/** Where each of several byte strings ends when they are sent as one. */
function endsOf(parts: readonly Buffer[]): number[] {
  let end = 0;
  return parts.map((part) => (end += part.length));
}

function insertEvents<T>(codec: EventCodec<T>, events: readonly Publication<T>[]): Sql {
  const { traceparent, tracestate } = activeTrace();
  const aggregates = events.map((event) => event.options.aggregate);
  const payloads = events.map((event) => Buffer.from(codec.encode(event.message).finish()));
  const paths = events.map((event) => event.options.organisationPath ?? organisationPathOf(event.message));
  // All payloads go as one value: an array of bytes would be sent as hexadecimal text, twice as long and slow to read.
  return sql`
    INSERT INTO kit.outbox (id, aggregate, partition, type, subject, payload, organisation_path, traceparent, tracestate)
    SELECT id, aggregate, partition, ${codec.$type}, subject,
      substring(${Buffer.concat(payloads)}::bytea FROM ending - length + 1 FOR length), path, ${traceparent}, ${tracestate}
    FROM unnest(${events.map(() => uuidv7())}::uuid[], ${aggregates}::text[], ${aggregates.map(partitionOf)}::smallint[],
      ${events.map(({ options }) => options.subject ?? options.aggregate)}::text[], ${endsOf(payloads)}::int[],
      ${payloads.map((payload) => payload.length)}::int[], ${paths}::text[])
      AS event (id, aggregate, partition, subject, ending, length, path)`;
}

function insertFrames<T>(codec: EventCodec<T>, events: readonly Publication<T>[]): Sql {
  const { traceparent, tracestate } = activeTrace();
  const framed = ({ message, options }: Publication<T>): Framed => ({
    aggregate: options.aggregate,
    subject: options.subject ?? options.aggregate,
    organisationPath: options.organisationPath ?? organisationPathOf(message),
    payload: codec.encode(message).finish(),
  });
  const frames: Frame[] = [];
  for (let at = 0; at < events.length; ) {
    const frame = packFrame(events, at, framed);
    frames.push(frame);
    at += frame.events;
  }
  const payloads = frames.map(({ bytes }) => bytes);
  return sql`
    INSERT INTO kit.outbox (id, first_id, events, aggregate, partition, type, subject, payload, traceparent, tracestate)
    SELECT id, first_id, events, '', 0, ${frameType(codec.$type)}, '',
      substring(${Buffer.concat(payloads)}::bytea FROM ending - length + 1 FOR length), ${traceparent}, ${tracestate}
    FROM unnest(${frames.map(({ id }) => id)}::uuid[], ${frames.map(({ firstId }) => firstId)}::uuid[],
      ${frames.map((frame) => frame.events)}::int[], ${endsOf(payloads)}::int[],
      ${payloads.map((payload) => payload.length)}::int[]) AS frame (id, first_id, events, ending, length)`;
}
