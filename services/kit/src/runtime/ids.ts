import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(4096);
let used = pool.length;
let lastMillisecond = 0;
let sequence = 0;

/** Takes so many random bytes; gives where they stand in the pool. */
function random(bytes: number): number {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return used - bytes;
}

/** Writes the 16 bytes of a new `uuidv7` to a place in a buffer. */
export function writeUuidv7(into: Buffer, at: number): void {
  const now = Date.now();
  if (now > lastMillisecond) {
    lastMillisecond = now;
    // The counter starts in the lower half, so that a millisecond has room for at least 2,048 identifiers.
    sequence = pool.readUInt16BE(random(2)) & 0x7ff;
  } else if (++sequence > 0xfff) {
    lastMillisecond += 1;
    sequence = 0;
  }
  // Byte by byte: an import makes millions, and Buffer's functions check what is known here.
  const high = Math.floor(lastMillisecond / 0x10000);
  into[at] = high >>> 24;
  into[at + 1] = high >>> 16;
  into[at + 2] = high >>> 8;
  into[at + 3] = high;
  into[at + 4] = lastMillisecond >>> 8;
  into[at + 5] = lastMillisecond;
  into[at + 6] = 0x70 | (sequence >>> 8);
  into[at + 7] = sequence;
  const from = random(8);
  for (let byte = 0; byte < 8; byte += 1) into[at + 8 + byte] = pool[from + byte] as number;
  into[at + 8] = ((into[at + 8] as number) & 0x3f) | 0x80;
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
