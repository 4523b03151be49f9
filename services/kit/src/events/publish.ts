import { context, trace } from '@opentelemetry/api';
import { copyWriter, sql, type Tx } from '../db/index.js';
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

type Write = (tx: Tx) => Promise<unknown>;

/** An event with what the broker must know of it. */
interface Publication<T> {
  message: T;
  options: PublishOptions;
}

/**
 * Publishes many events of one type with a single statement, in the given order. Many share rows of the outbox as frames;
 * consumers see no difference.
 */
export async function publishAll<T>(tx: Tx, codec: EventCodec<T>, events: readonly Publication<T>[]): Promise<void> {
  await packed(codec, events, (event) => event)(tx);
}

/**
 * The first half of `publishAll`: encodes the events now and gives the function that writes them with a transaction, once.
 * For very many events, which are best encoded while Postgres works on another statement. `optionsOf` says of each message
 * what the broker must know of it.
 */
export function packAll<T>(
  codec: EventCodec<T>,
  messages: readonly T[],
  optionsOf: (message: T) => PublishOptions,
): (tx: Tx) => Promise<void> {
  return packed(codec, messages, (message) => ({ message, options: optionsOf(message) }));
}

/** `read` is asked one item after the other, so that what it makes of thousands need not be kept. */
function packed<T, Item>(
  codec: EventCodec<T>,
  items: readonly Item[],
  read: (item: Item) => Publication<T>,
): (tx: Tx) => Promise<void> {
  if (items.length === 0) return async () => undefined;
  const write = items.length < FRAME_FROM ? insertEvents(codec, items.map(read)) : copyFrames(codec, items, read);
  const domain = domainOf(codec.$type);
  const mark = `poke:${domain}`;
  return async (tx) => {
    await write(tx);
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

function insertEvents<T>(codec: EventCodec<T>, events: readonly Publication<T>[]): Write {
  const { traceparent, tracestate } = activeTrace();
  const aggregates = events.map((event) => event.options.aggregate);
  const payloads = events.map((event) => Buffer.from(codec.encode(event.message).finish()));
  const paths = events.map((event) => event.options.organisationPath ?? organisationPathOf(event.message));
  // All payloads go as one value: an array of bytes would be sent as hexadecimal text, twice as long and slow to read.
  const insert = sql`
    INSERT INTO kit.outbox (id, aggregate, partition, type, subject, payload, organisation_path, traceparent, tracestate)
    SELECT id, aggregate, partition, ${codec.$type}, subject,
      substring(${Buffer.concat(payloads)}::bytea FROM ending - length + 1 FOR length), path, ${traceparent}, ${tracestate}
    FROM unnest(${events.map(() => uuidv7())}::uuid[], ${aggregates}::text[], ${aggregates.map(partitionOf)}::smallint[],
      ${events.map(({ options }) => options.subject ?? options.aggregate)}::text[], ${endsOf(payloads)}::int[],
      ${payloads.map((payload) => payload.length)}::int[], ${paths}::text[])
      AS event (id, aggregate, partition, subject, ending, length, path)`;
  return (tx) => tx.run(insert);
}

const writer = copyWriter();

/** Frames are copied: as parameters of an INSERT their bytes, megabytes of a large import, are moved several times more. */
function copyFrames<T, Item>(
  codec: EventCodec<T>,
  items: readonly Item[],
  read: (item: Item) => Publication<T>,
): Write {
  const { traceparent, tracestate } = activeTrace();
  const type = frameType(codec.$type);
  const framed = (item: Item): Framed => {
    const { message, options } = read(item);
    return {
      aggregate: options.aggregate,
      subject: options.subject ?? options.aggregate,
      organisationPath: options.organisationPath ?? organisationPathOf(message),
      payload: codec.encode(message).finish(),
    };
  };
  const frames: Frame[] = [];
  for (let at = 0; at < items.length; ) {
    const frame = packFrame(items, at, framed);
    frames.push(frame);
    at += frame.events;
  }
  for (const { id, firstId, events, bytes } of frames) {
    writer.row(10);
    writer.uuid(id);
    writer.uuid(firstId);
    writer.int4(events);
    writer.text('');
    writer.int2(0);
    writer.text(type);
    writer.text('');
    writer.bytea(bytes);
    for (const one of [traceparent, tracestate])
      if (one === null) writer.null();
      else writer.text(one);
  }
  const data = writer.finish();
  const columns = sql`kit.outbox (id, first_id, events, aggregate, partition, type, subject, payload, traceparent, tracestate)`;
  return (tx) => tx.copy(columns, data);
}
