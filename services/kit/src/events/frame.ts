import { uuidText, writeUuidv7 } from '../runtime/index.js';
import { type OutboxRow, partitionOf } from './event.js';

/** One event as it goes into a frame; the type, the time and the trace are those of the whole frame. */
export interface Framed {
  aggregate: string;
  subject: string;
  organisationPath: string | null;
  payload: Uint8Array;
}

/** Events of one type in one row of the outbox. */
export interface Frame {
  /** The id of the last event: the frame stands in the outbox's order where its last event would. */
  id: string;
  firstId: string;
  events: number;
  bytes: Buffer;
}

/** Fewer events of one call are rows of their own, which are easier to look at. */
export const FRAME_FROM = 32;
/** The most events of a frame: what the relay reads and keeps in memory at once. */
export const FRAME_EVENTS = 256;
/** The most bytes of a frame before the event that fills it. */
const FRAME_BYTES = 512 * 1024;

const PREFIX = 'frame:';
/** LIKE finds the frames by it. */
export const FRAME_PATTERN = `${PREFIX}%`;
/** id, the lengths of aggregate, subject and organisation path, the length of the payload; then these four. */
const HEADER = 16 + 2 + 2 + 2 + 4;
const NO_PATH = 0xffff;

/** The type under which frames of an event type lie in the outbox. */
export function frameType(type: string): string {
  return `${PREFIX}${type}`;
}

let scratch = Buffer.allocUnsafe(64 * 1024);

function reserve(used: number, more: number): void {
  if (used + more <= scratch.length) return;
  const larger = Buffer.allocUnsafe(Math.max(scratch.length * 2, used + more));
  scratch.copy(larger, 0, 0, used);
  scratch = larger;
}

/** Writes a text; gives its end. Most are plain ASCII, which needs no call per text. */
function put(text: string, from: number): number {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) return putAny(text, from);
    scratch[from + at] = code;
  }
  return from + text.length;
}

function putAny(text: string, from: number): number {
  const length = scratch.write(text, from);
  if (length >= NO_PATH) throw new RangeError('an aggregate, subject or organisation path of an event is too long');
  return from + length;
}

function putLength(length: number, at: number): void {
  scratch[at] = length >>> 8;
  scratch[at + 1] = length;
}

/** Packs events, in their order, with a new id each. Takes from `at` on as many as one frame holds. */
export function packFrame<T>(events: readonly T[], at: number, framed: (event: T) => Framed): Frame {
  let end = 0;
  let count = 0;
  let last = 0;
  for (let index = at; index < events.length && count < FRAME_EVENTS && end < FRAME_BYTES; index += 1) {
    const { aggregate, subject, organisationPath, payload } = framed(events[index] as T);
    const texts = aggregate.length + subject.length + (organisationPath?.length ?? 0);
    if (texts >= NO_PATH) throw new RangeError('the texts of an event are too long');
    reserve(end, HEADER + texts * 3 + payload.length);
    last = end;
    writeUuidv7(scratch, end);
    const ofAggregate = end + HEADER;
    const ofSubject = put(aggregate, ofAggregate);
    const ofPath = put(subject, ofSubject);
    const ofPayload = organisationPath === null ? ofPath : put(organisationPath, ofPath);
    putLength(ofSubject - ofAggregate, end + 16);
    putLength(ofPath - ofSubject, end + 18);
    putLength(organisationPath === null ? NO_PATH : ofPayload - ofPath, end + 20);
    scratch.writeUInt32BE(payload.length, end + 22);
    scratch.set(payload, ofPayload);
    end = ofPayload + payload.length;
    count += 1;
  }
  const bytes = Buffer.from(scratch.subarray(0, end));
  return { id: uuidText(bytes, last), firstId: uuidText(bytes, 0), events: count, bytes };
}

/** Where the parts of one event stand in the bytes of a frame. */
interface Place {
  at: number;
  aggregate: number;
  subject: number;
  path: number;
  payload: number;
  end: number;
  hasPath: boolean;
}

function placeAt(bytes: Buffer, at: number): Place {
  const aggregate = at + HEADER;
  const subject = aggregate + bytes.readUInt16BE(at + 16);
  const path = subject + bytes.readUInt16BE(at + 18);
  const ofPath = bytes.readUInt16BE(at + 20);
  const payload = path + (ofPath === NO_PATH ? 0 : ofPath);
  const end = payload + bytes.readUInt32BE(at + 22);
  if (end > bytes.length) throw new RangeError('a frame of the outbox is cut off');
  return { at, aggregate, subject, path, payload, end, hasPath: ofPath !== NO_PATH };
}

/** The events of a row of the outbox: the row itself, or those of its frame in their order. */
export function eventsOf(row: OutboxRow): OutboxRow[] {
  if (!row.type.startsWith(PREFIX)) return [row];
  const type = row.type.slice(PREFIX.length);
  const bytes = row.payload;
  const events: OutboxRow[] = [];
  for (let at = 0; at < bytes.length; ) {
    const place = placeAt(bytes, at);
    const aggregate = bytes.toString('utf8', place.aggregate, place.subject);
    events.push({
      ...row,
      id: uuidText(bytes, at),
      type,
      aggregate,
      partition: partitionOf(aggregate),
      subject: bytes.toString('utf8', place.subject, place.path),
      organisation_path: place.hasPath ? bytes.toString('utf8', place.path, place.payload) : null,
      payload: bytes.subarray(place.payload, place.end),
    });
    at = place.end;
  }
  return events;
}

/** The bytes of a frame without the events of an aggregate, and how many events are left. */
export function withoutAggregate(bytes: Buffer, aggregate: string): { bytes: Buffer; events: number } {
  const kept: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const place = placeAt(bytes, at);
    if (bytes.toString('utf8', place.aggregate, place.subject) !== aggregate) kept.push(bytes.subarray(at, place.end));
    at = place.end;
  }
  return { bytes: Buffer.concat(kept), events: kept.length };
}
