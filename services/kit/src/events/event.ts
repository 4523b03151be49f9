import { type MsgHdrs, MsgHdrsImpl } from '@nats-io/transport-node';
import type { Tx } from '../db/index.js';

/** How events of one type are written and read: the message functions that ts-proto generates. */
export interface EventCodec<T> {
  /** The full name of the message, `rapport.customer.v1.PartyCreated`. */
  readonly $type: string;
  /** The bytes need to hold only until the next call. */
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** What is known of an event beside its message. */
export interface EventMeta {
  /** A UUIDv7, the same however often the event is delivered. */
  id: string;
  type: string;
  /** The id of what the event is about; events of one aggregate come in order. */
  aggregate: string;
  /** When the broker stored it; later than `occurred`, and new after the broker was rebuilt. */
  time: Date;
  /** When the transaction that published it began. */
  occurred: Date;
  /** The position in the broker's stream, from 1; starts again when the broker is rebuilt. */
  sequence: number;
  /** The W3C trace context in which it was published; for a batch, that of the span that processes it. */
  traceparent: string | undefined;
  partition: number;
  organisationPath?: string;
}

/** One event type with what handles it; made by `on`. */
export interface EventHandler<P = unknown> {
  readonly type: string;
  handle(tx: Tx<P>, payload: Uint8Array, meta: EventMeta): Promise<void>;
}

/**
 * Binds an event type to the function that applies it. The function runs in the transaction that also notes the event
 * as applied: when it throws, nothing has happened and it is tried again later. No remote calls inside.
 */
export function on<T, P = unknown>(
  codec: EventCodec<T>,
  handler: (tx: Tx<P>, event: T, meta: EventMeta) => Promise<void>,
): EventHandler<P> {
  return { type: codec.$type, handle: (tx, payload, meta) => handler(tx, decode(codec, payload), meta) };
}

/** The payload is not a message of its type; trying again cannot help. */
export class MalformedEvent extends Error {
  readonly reason = 'MALFORMED_EVENT';
}

/** Reads a payload; throws MalformedEvent when it is none of the type. */
export function decode<T>(codec: EventCodec<T>, payload: Uint8Array): T {
  try {
    return codec.decode(payload);
  } catch (error) {
    throw new MalformedEvent(`the payload is not a ${codec.$type}`, { cause: error });
  }
}

/** How many ordered parts the events of a domain are spread over. Fixed: another number would tear aggregates apart. */
export const PARTITIONS = 16;

/** The partition of an aggregate: FNV-1a of its id. */
export function partitionOf(aggregate: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(aggregate)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % PARTITIONS;
}

/** The domain in the name of an event type, `customer` of `rapport.customer.v1.PartyCreated`. Throws for other names. */
export function domainOf(type: string): string {
  const domain = /^rapport\.([a-z_]+)\.v\d+\.[A-Z][A-Za-z0-9]*$/.exec(type)?.[1];
  if (!domain) throw new TypeError(`${type} is not an event of a domain`);
  return domain;
}

/** An event as it lies in the outbox. */
export interface OutboxRow {
  /** The transaction that wrote it, as a decimal number. */
  xid: string;
  id: string;
  aggregate: string;
  partition: number;
  type: string;
  subject: string;
  payload: Buffer;
  traceparent: string | null;
  tracestate: string | null;
  organisation_path: string | null;
  occurred_at: Date;
}

/** The subject of a row: its type and partition. The aggregate stays out of it, since subjects are logged and shown. */
export function subjectOf(row: Pick<OutboxRow, 'type' | 'partition'>): string {
  return `${row.type}.${row.partition}`;
}

const lineBreak = /[\r\n]/;

/**
 * The headers of a row: CloudEvents in binary mode, trace context, the id by which the broker drops repeats, and `more`.
 * They are set all at once: setting them one by one, each name is checked and sought among all others, which takes more
 * time than everything else that is done to send an event.
 */
export function headersOf(row: OutboxRow, more: Readonly<Record<string, string>> = {}): MsgHdrs {
  const values: Record<string, string> = {
    'Nats-Msg-Id': row.id,
    'content-type': 'application/protobuf',
    'ce-specversion': '1.0',
    'ce-id': row.id,
    'ce-type': row.type,
    'ce-source': `/rapport/${domainOf(row.type)}`,
    'ce-subject': row.subject,
    'ce-time': row.occurred_at.toISOString(),
    'ce-partitionkey': row.aggregate,
    ...more,
  };
  if (row.organisation_path !== null) values['ce-organisationpath'] = row.organisation_path;
  if (row.traceparent !== null) values['traceparent'] = row.traceparent;
  if (row.tracestate !== null) values['tracestate'] = row.tracestate;
  const headers: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(values)) {
    if (lineBreak.test(value)) throw new TypeError(`the header ${name} of an event holds a line break`);
    headers[name] = [value];
  }
  return MsgHdrsImpl.fromRecord(headers);
}

/** An event as it came from the broker or from a dead letter. */
export interface Arrived {
  meta: EventMeta;
  payload: Uint8Array;
  headers: Record<string, string>;
}

/** Reads the headers back. Throws MalformedEvent when they are not those of an event. */
export function arrived(
  headers: Record<string, string>,
  payload: Uint8Array,
  stored: { subject: string; sequence: number; time: Date },
): Arrived {
  const id = headers['ce-id'];
  const type = headers['ce-type'];
  const aggregate = headers['ce-partitionkey'];
  const occurred = new Date(headers['ce-time'] ?? '');
  const partition = Number(stored.subject.slice(stored.subject.lastIndexOf('.') + 1));
  if (!id || !type || !aggregate || Number.isNaN(occurred.getTime()) || !Number.isInteger(partition)) {
    throw new MalformedEvent('a message on an event subject has not the headers of an event');
  }
  const organisationPath = headers['ce-organisationpath'];
  const meta: EventMeta = {
    id,
    type,
    aggregate,
    time: stored.time,
    occurred,
    sequence: stored.sequence,
    traceparent: headers['traceparent'],
    partition,
    ...(organisationPath === undefined ? {} : { organisationPath }),
  };
  return { meta, payload, headers };
}

/** The first value of each header. */
export function plainHeaders(headers: MsgHdrs | undefined): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const key of headers?.keys() ?? []) plain[key] = headers?.get(key) ?? '';
  return plain;
}
