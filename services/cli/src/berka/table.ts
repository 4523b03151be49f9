import { createReadStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { PlainDate, Reject } from '../bank/bank.js';
import { isDay } from '../bank/bank.js';

/** One row of an `.asc` file: its line and a reader for each column that names the column when a value is broken. */
export interface Row {
  readonly file: string;
  readonly line: number;
  /** The trimmed text of a column; '' for all three spellings of "no value" (`;;`, `""`, `" "`) and for `?`. */
  text(column: string): string;
  /** A whole number ≥ 1. */
  key(column: string): number;
  /** Money with up to two decimals as minor units. */
  minor(column: string): bigint;
  /** A whole number. */
  whole(column: string): number;
  /** `YYMMDD`, always of the twentieth century, or undefined when empty; a time of day behind it is dropped. */
  day(column: string): PlainDate;
  /** The value that a code stands for. */
  code<T>(column: string, codes: Readonly<Record<string, T>>): T;
}

/** Thrown by a column reader; turned into a reject of the whole row. */
export class BrokenValue extends Error {
  constructor(
    readonly field: string,
    readonly reason: string,
    readonly value: string,
  ) {
    super(`${field}: ${reason}`);
  }
}

/** A line of 64 KiB is no row of a bank. */
const MAXIMUM_LINE = 65_536;

const unquote = (cell: string): string => {
  const trimmed = cell.trim();
  return trimmed.length >= 2 && trimmed.startsWith('"') && trimmed.endsWith('"') ? trimmed.slice(1, -1) : trimmed;
};

/**
 * Reads an `.asc` file of the Berka format (`;`, CRLF or LF, header row, text in quotes without line breaks) one line at
 * a time and gives what `map` makes of each row, in bounded memory. A row that cannot be split, or whose map throws a
 * BrokenValue, becomes a reject with file, line, field, reason and original value, and the next row is read.
 */
export async function* readTable<T>(
  folder: string,
  file: string,
  columns: readonly string[],
  rejects: Reject[],
  map: (row: Row) => T,
): AsyncGenerator<T> {
  const lines = createInterface({
    input: createReadStream(path.join(folder, file), { encoding: 'utf8' }),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let line = 0;
  let header: string[] | undefined;
  for await (const text of lines) {
    line += 1;
    if (text.trim() === '') continue;
    if (!header) {
      header = text.split(';').map((cell) => unquote(cell.replace(/^\uFEFF/, '')));
      const absent = columns.filter((column) => !header?.includes(column));
      if (absent.length > 0) {
        rejects.push({
          file,
          line,
          field: absent.join(', '),
          reason: 'the header lacks this column',
          value: text.slice(0, 200),
        });
        return;
      }
      continue;
    }
    const reject = (field: string, reason: string, value: string) =>
      rejects.push({ file, line, field, reason, value: value.slice(0, 200) });
    if (text.length > MAXIMUM_LINE) {
      reject('', `longer than ${MAXIMUM_LINE} characters`, text);
      continue;
    }
    const cells = text.split(';');
    if (cells.length !== header.length) {
      reject('', `${cells.length} columns where the header has ${header.length}`, text);
      continue;
    }
    try {
      yield map(rowOf(file, line, header, cells));
    } catch (error) {
      if (!(error instanceof BrokenValue)) throw error;
      reject(error.field, error.reason, error.value);
    }
  }
}

function rowOf(file: string, line: number, header: readonly string[], cells: readonly string[]): Row {
  const raw = (column: string): string => unquote(cells[header.indexOf(column)] ?? '');
  const text = (column: string): string => {
    const value = raw(column).trim();
    return value === '?' ? '' : value;
  };
  const whole = (column: string): number => {
    const value = text(column);
    if (!/^-?\d{1,15}$/.test(value)) throw new BrokenValue(column, 'not a whole number', raw(column));
    return Number(value);
  };
  return {
    file,
    line,
    text,
    whole,
    key(column) {
      const value = whole(column);
      if (value < 1) throw new BrokenValue(column, 'not a key: must be 1 or more', raw(column));
      return value;
    },
    minor(column) {
      const match = /^(-?)(\d{1,13})(?:\.(\d{1,2}))?$/.exec(text(column));
      if (!match) throw new BrokenValue(column, 'not an amount of money', raw(column));
      const size = BigInt(match[2] as string) * 100n + BigInt((match[3] ?? '').padEnd(2, '0'));
      return match[1] === '-' ? -size : size;
    },
    day(column) {
      const match = /^(\d{2})(\d{2})(\d{2})(?: 00:00:00)?$/.exec(text(column));
      const date = match && { year: 1900 + Number(match[1]), month: Number(match[2]), day: Number(match[3]) };
      if (!date || !isDay(date)) throw new BrokenValue(column, 'not a day written YYMMDD', raw(column));
      return date;
    },
    code(column, codes) {
      const value = text(column);
      if (!Object.hasOwn(codes, value)) {
        throw new BrokenValue(
          column,
          `unknown code; known are ${Object.keys(codes)
            .map((code) => `"${code}"`)
            .join(', ')}`,
          value,
        );
      }
      return codes[value] as (typeof codes)[string];
    },
  };
}
