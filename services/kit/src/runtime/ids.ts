import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(4096);
let used = pool.length;
let lastMillisecond = 0;
let sequence = 0;

function random(bytes: number): Buffer {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.subarray(used - bytes, used);
}

/** Writes the 16 bytes of a new `uuidv7` to a place in a buffer. */
export function writeUuidv7(into: Buffer, at: number): void {
  const now = Date.now();
  if (now > lastMillisecond) {
    lastMillisecond = now;
    // The counter starts in the lower half, so that a millisecond has room for at least 2,048 identifiers.
    sequence = random(2).readUInt16BE() & 0x7ff;
  } else if (++sequence > 0xfff) {
    lastMillisecond += 1;
    sequence = 0;
  }
  into.writeUIntBE(lastMillisecond, at, 6);
  into.writeUInt16BE(0x7000 | sequence, at + 6);
  random(8).copy(into, at + 8);
  into[at + 8] = ((into[at + 8] ?? 0) & 0x3f) | 0x80;
}

const one = Buffer.allocUnsafe(16);

/**
 * A UUID version 7 (RFC 9562): 48 bits of Unix milliseconds, a 12-bit counter, 62 random bits.
 * Identifiers made by one process sort in the order in which they were made, also within a millisecond and when the
 * wall clock is set back.
 */
export function uuidv7(): string {
  writeUuidv7(one, 0);
  return uuidText(one, 0);
}

/** The text of the UUID whose 16 bytes stand at a place in a buffer. */
export function uuidText(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
