/**
 * Makes the binary form of rows for `Tx.copy`: begin each row with `row`, then say its columns in their order, each with
 * the function of its Postgres type. Reusable after `finish`.
 */
export interface CopyWriter {
  /** Begins a row of so many columns. */
  row(columns: number): void;
  null(): void;
  int2(value: number): void;
  int4(value: number): void;
  int8(value: bigint): void;
  /** Must not hold NUL, which Postgres refuses. */
  text(value: string): void;
  bytea(value: Uint8Array): void;
  /** The text of a UUID, with hyphens. */
  uuid(id: string): void;
  /** `YYYY-MM-DD`. */
  date(day: string): void;
  timestamptz(time: Date): void;
  /** Columns that were written before by themselves; see `copyColumns`. */
  columns(bytes: Buffer): void;
  /** The bytes for COPY. */
  finish(): Buffer;
}

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const DAY_MS = 86_400_000;
/** Postgres counts from 2000-01-01. */
const EPOCH_MS = Date.UTC(2000, 0, 1);
const LONGEST_INLINE = 64;

/** Days of Postgres' epoch by their text; imports name the same few thousand days over and over. */
const days = new Map<string, number>();

function dayNumber(day: string): number {
  let number = days.get(day);
  if (number === undefined) {
    if (days.size > 50_000) days.clear();
    number = (Date.parse(`${day}T00:00:00Z`) - EPOCH_MS) / DAY_MS;
    if (!Number.isInteger(number)) throw new RangeError('a date of a row is no day');
    days.set(day, number);
  }
  return number;
}

/** The value of a hexadecimal digit; 0 for what is none. */
const digits = new Uint8Array(128);
for (const [value, text] of [...'0123456789abcdef'].entries()) {
  digits[text.charCodeAt(0)] = value;
  digits[text.toUpperCase().charCodeAt(0)] = value;
}

function digit(id: string, at: number): number {
  return digits[id.charCodeAt(at)] ?? 0;
}

/** The bytes of some columns that many rows share, for `columns` of a writer. */
export function copyColumns(write: (writer: CopyWriter) => void): Buffer {
  const writer = copyWriter(256);
  write(writer);
  const bytes = writer.finish();
  return bytes.subarray(SIGNATURE.length, bytes.length - 2);
}

/** A writer with room for so many bytes; it grows. */
export function copyWriter(size = 64 * 1024): CopyWriter {
  let bytes = Buffer.allocUnsafe(size);
  let end = SIGNATURE.copy(bytes);

  function reserve(more: number): void {
    if (end + more <= bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(bytes.length * 2, end + more));
    bytes.copy(larger, 0, 0, end);
    bytes = larger;
  }

  // Written out: Buffer's own functions check what is known here.
  function put4(value: number): void {
    bytes[end] = value >>> 24;
    bytes[end + 1] = value >>> 16;
    bytes[end + 2] = value >>> 8;
    bytes[end + 3] = value;
    end += 4;
  }

  function text(value: string): void {
    const length = value.length;
    reserve(4 + length * 3);
    if (length <= LONGEST_INLINE) {
      const from = end + 4;
      let at = 0;
      for (; at < length; at += 1) {
        const code = value.charCodeAt(at);
        if (code >= 0x80) break;
        bytes[from + at] = code;
      }
      if (at === length) {
        put4(length);
        end += length;
        return;
      }
    }
    const written = bytes.write(value, end + 4);
    put4(written);
    end += written;
  }

  return {
    row: (columns) => {
      reserve(2);
      bytes[end] = columns >>> 8;
      bytes[end + 1] = columns;
      end += 2;
    },
    null: () => {
      reserve(4);
      put4(-1);
    },
    int2: (value) => {
      reserve(6);
      put4(2);
      bytes[end] = value >>> 8;
      bytes[end + 1] = value;
      end += 2;
    },
    int4: (value) => {
      reserve(8);
      put4(4);
      put4(value);
    },
    int8: (value) => {
      reserve(12);
      put4(8);
      end = bytes.writeBigInt64BE(value, end);
    },
    text,
    bytea: (value) => {
      reserve(4 + value.length);
      put4(value.length);
      bytes.set(value, end);
      end += value.length;
    },
    uuid: (id) => {
      reserve(20);
      put4(16);
      for (let at = 0; at < 36; at += 2) {
        if (at === 8 || at === 13 || at === 18 || at === 23) at += 1;
        bytes[end] = (digit(id, at) << 4) | digit(id, at + 1);
        end += 1;
      }
    },
    date: (day) => {
      reserve(8);
      put4(4);
      put4(dayNumber(day));
    },
    timestamptz: (time) => {
      reserve(12);
      put4(8);
      end = bytes.writeBigInt64BE(BigInt(time.getTime() - EPOCH_MS) * 1000n, end);
    },
    columns: (of) => {
      reserve(of.length);
      bytes.set(of, end);
      end += of.length;
    },
    finish: () => {
      reserve(2);
      bytes[end] = 0xff;
      bytes[end + 1] = 0xff;
      const made = Buffer.from(bytes.subarray(0, end + 2));
      end = SIGNATURE.length;
      return made;
    },
  };
}
