import { context, trace } from '@opentelemetry/api';
import { sql, type Tx } from '../db/index.js';
import { uuidv7 } from '../runtime/index.js';
import { poke } from './bus.js';
import { domainOf, type EventCodec, partitionOf } from './event.js';

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

/** Publishes many events of one type with a single INSERT, in the given order. */
export async function publishAll<T>(
  tx: Tx,
  codec: EventCodec<T>,
  events: readonly { message: T; options: PublishOptions }[],
): Promise<void> {
  if (events.length === 0) return;
  const domain = domainOf(codec.$type);
  const { traceparent, tracestate } = activeTrace();
  const aggregates = events.map((event) => event.options.aggregate);
  const payloads = events.map((event) => Buffer.from(codec.encode(event.message).finish()));
  const paths = events.map((event) => event.options.organisationPath ?? organisationPathOf(event.message));
  let end = 0;
  const ends = payloads.map((payload) => {
    end += payload.length;
    return end;
  });
  // All payloads go as one value: an array of bytes would be sent as hexadecimal text, twice as long and slow to read.
  await tx.run(sql`
    INSERT INTO kit.outbox (id, aggregate, partition, type, subject, payload, organisation_path, traceparent, tracestate)
    SELECT id, aggregate, partition, ${codec.$type}, subject,
      substring(${Buffer.concat(payloads)}::bytea FROM ending - length + 1 FOR length), path, ${traceparent}, ${tracestate}
    FROM unnest(${events.map(() => uuidv7())}::uuid[], ${aggregates}::text[], ${aggregates.map(partitionOf)}::smallint[],
      ${events.map(({ options }) => options.subject ?? options.aggregate)}::text[], ${ends}::int[],
      ${payloads.map((payload) => payload.length)}::int[], ${paths}::text[])
      AS event (id, aggregate, partition, subject, ending, length, path)`);
  const mark = `poke:${domain}`;
  if (tx.marks.has(mark)) return;
  tx.marks.add(mark);
  tx.afterCommit(() => poke(domain));
}
