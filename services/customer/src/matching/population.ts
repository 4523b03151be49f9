import { most, type Profile } from './profile.js';
import type { Texts } from './similarity.js';

/** Where the facts of one record stand among its columns. */
export const column = {
  given: 0,
  family: 1,
  birth: 2,
  sex: 3,
  person: 4,
  street: 5,
  house: 6,
  extra: 7,
  locality: 8,
  postal: 9,
  emails: 10,
  phones: 12,
  /** Pairs of kind and value. */
  identifiers: 14,
  /** Bit n: identifier n is strong. */
  strong: 20,
  /** The dataset that the record is of, from 0. */
  dataset: 21,
  attributes: 22,
} as const;

/** Columns of one record. */
export const WIDTH = column.attributes + most.attributes;

/**
 * Many profiles in memory that threads share: each record is a row of numbers, most of them the number of a text.
 * Equal texts of one field are one text, so that equality is equality of numbers.
 */
export interface Population {
  size: number;
  columns: Int32Array;
  texts: Texts;
  /** How many records have a text. */
  counts: Uint32Array;
}

const shared = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(Math.max(4, bytes));

/** Collects profiles into a population. A text counts once for each record that has it. */
export function collectPopulation(): {
  /** Gives the number of the record, from 0. */
  add(profile: Profile, dataset?: number): number;
  size(): number;
  done(): Population;
} {
  const ids = new Map<string, number>();
  const pieces: string[] = [''];
  const counts: number[] = [0];
  let columns = new Int32Array(1024 * WIDTH);
  let size = 0;

  const number = (field: string, text: string): number => {
    if (text === '') return 0;
    // Fields keep texts of their own, so that a family name is not counted among given names.
    const key = `${field}${text}`;
    let id = ids.get(key);
    if (id === undefined) {
      id = pieces.push(text) - 1;
      counts.push(0);
      ids.set(key, id);
    }
    counts[id] = (counts[id] as number) + 1;
    return id;
  };

  function add(profile: Profile, dataset = 0): number {
    if ((size + 1) * WIDTH > columns.length) {
      const larger = new Int32Array(columns.length * 2);
      larger.set(columns);
      columns = larger;
    }
    const at = size * WIDTH;
    const put = (offset: number, value: number): void => void (columns[at + offset] = value);
    put(column.given, number('g', profile.given));
    put(column.family, number('f', profile.family));
    put(column.birth, number('b', profile.birth));
    put(column.sex, profile.sex);
    put(column.person, profile.person ? 1 : 0);
    put(column.street, number('s', profile.street));
    put(column.house, number('h', profile.house));
    put(column.extra, number('x', profile.extra));
    put(column.locality, number('l', profile.locality));
    put(column.postal, number('z', profile.postal));
    profile.emails.slice(0, most.emails).forEach((one, index) => put(column.emails + index, number('e', one)));
    profile.phones.slice(0, most.phones).forEach((one, index) => put(column.phones + index, number('t', one)));
    let strong = 0;
    profile.identifiers.slice(0, most.identifiers).forEach((one, index) => {
      put(column.identifiers + index * 2, number('k', one.kind));
      put(column.identifiers + index * 2 + 1, number(`i${one.kind}\0`, one.value));
      if (one.strong) strong |= 1 << index;
    });
    put(column.strong, strong);
    put(column.dataset, dataset);
    profile.attributes
      .slice(0, most.attributes)
      .forEach((one, index) => put(column.attributes + index, number(`a${index}`, one)));
    size += 1;
    return size - 1;
  }

  function done(): Population {
    const units = new Uint16Array(shared(pieces.reduce((sum, piece) => sum + piece.length, 0) * 2));
    const offsets = new Uint32Array(shared((pieces.length + 1) * 4));
    const letters = new Int32Array(shared(pieces.length * 4));
    let end = 0;
    pieces.forEach((piece, id) => {
      for (let at = 0; at < piece.length; at += 1) {
        const unit = piece.charCodeAt(at);
        units[end + at] = unit;
        letters[id] = (letters[id] as number) | (1 << (unit & 31));
      }
      end += piece.length;
      offsets[id + 1] = end;
    });
    const rows = new Int32Array(shared(size * WIDTH * 4));
    rows.set(columns.subarray(0, size * WIDTH));
    const times = new Uint32Array(shared(counts.length * 4));
    times.set(counts);
    return { size, columns: rows, texts: { units, offsets, letters }, counts: times };
  }

  return { add, size: () => size, done };
}
