import { field, level } from './fields.js';
import { column, type Population, WIDTH } from './population.js';
import { most } from './profile.js';
import { beginsWith, editDistance, jaroWinkler, lengthOf, type Texts } from './similarity.js';

// The hottest loops of the service: a global looked up for every unit costs more than the comparison.
const { abs, imul, min } = Math;

const NEAR = 0.92;
const SIMILAR = 0.82;

/** Compares records of one population. */
export interface Comparer {
  /** Writes the level of each field into `into`, which has one place for each. */
  compare(a: number, b: number, into: Uint8Array): void;
  /** The text whose rarity counts where a field agrees exactly; 0 where none does. */
  term(a: number, b: number, of: number): number;
  /** Whether both have strong identifiers of one kind and none of them is the same. */
  contradict(a: number, b: number): boolean;
}

const CACHE = 1 << 17;

/** Remembers what a comparison of two texts gave: names come back again and again. */
function remembered(of: (a: number, b: number) => number): (a: number, b: number) => number {
  const keysA = new Int32Array(CACHE);
  const keysB = new Int32Array(CACHE);
  const values = new Uint8Array(CACHE);
  return (a, b) => {
    const slot = (imul(a, 0x9e3779b1) ^ imul(b, 0x85ebca6b)) >>> 15;
    if (keysA[slot] === a && keysB[slot] === b) return values[slot] as number;
    const value = of(a, b);
    keysA[slot] = a;
    keysB[slot] = b;
    values[slot] = value;
    return value;
  };
}

function bits(mask: number): number {
  let left = mask - ((mask >>> 1) & 0x55555555);
  left = (left & 0x33333333) + ((left >>> 2) & 0x33333333);
  return imul((left + (left >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** 0 nothing in common, 1 similar, 2 near (a typing error), 3 the same. */
function nameLikeness(texts: Texts): (a: number, b: number) => number {
  const { letters } = texts;
  const measured = remembered((a, b) => {
    const one = letters[a] as number;
    const other = letters[b] as number;
    if (2 * bits(one & other) < min(bits(one), bits(other))) return 0;
    const similarity = jaroWinkler(texts, a, b);
    if (similarity < 0.6) return 0;
    const shorter = min(lengthOf(texts, a), lengthOf(texts, b));
    const distance = editDistance(texts, a, b, 2);
    if (distance === 0) return 3;
    if ((shorter >= 3 && distance === 1) || (similarity >= NEAR && shorter >= 4)) return 2;
    if (similarity >= SIMILAR || (distance === 2 && shorter >= 5)) return 1;
    return shorter >= 3 && beginsWith(texts, a, b) ? 1 : 0;
  });
  return (a, b) => (a === b ? 3 : measured(a, b));
}

function birthLevel({ units, offsets }: Texts, a: number, b: number): number {
  if (a === b) return level.exact;
  const at = offsets[a] as number;
  const to = offsets[b] as number;
  const one = (index: number): number => units[at + index] as number;
  const two = (index: number): number => units[to + index] as number;
  let differing = 0;
  let first = -1;
  let last = -1;
  for (let index = 0; index < 8; index += 1) {
    if (one(index) === two(index)) continue;
    differing += 1;
    if (first < 0) first = index;
    last = index;
  }
  const swapped = differing === 2 && last === first + 1 && one(first) === two(last) && one(last) === two(first);
  const dayMonth = first >= 4 && one(4) === two(6) && one(5) === two(7) && one(6) === two(4) && one(7) === two(5);
  if (differing === 1 || swapped || dayMonth) return level.birth.oneEdit;
  const same = (from: number, until: number): boolean => {
    for (let index = from; index < until; index += 1) if (one(index) !== two(index)) return false;
    return true;
  };
  const year = same(0, 4);
  const month = same(4, 6);
  const day = same(6, 8);
  if (Number(year) + Number(month) + Number(day) === 2) return level.birth.twoParts;
  const century = (read: (index: number) => number): number =>
    read(0) * 1000 + read(1) * 100 + read(2) * 10 + read(3) - 48 * 1111;
  const years = century(one) - century(two);
  const days = (read: (index: number) => number): number => (read(4) * 10 + read(5)) * 30.4 + read(6) * 10 + read(7);
  if (abs(years * 365.25 + days(one) - days(two)) <= 31) return level.birth.near;
  if (differing <= 2 || (abs(years) <= 1 && (month || day))) return level.birth.near;
  return year ? level.birth.year : level.birth.different;
}

/** 0 one side knows nothing, 1 the same, 2 a typing error apart, 3 different. */
function shortLevel(texts: Texts, a: number, b: number, shortest: number): number {
  if (a === 0 || b === 0) return 0;
  if (a === b) return 1;
  const near = min(lengthOf(texts, a), lengthOf(texts, b)) >= shortest && editDistance(texts, a, b, 1) === 1;
  return near ? 2 : 3;
}

/** Makes a comparer; each thread needs its own, for it remembers what it saw. */
export function comparerOf(population: Population, attributes = 0): Comparer {
  const { columns, texts } = population;
  const likeness = nameLikeness(texts);
  const localParts = remembered((a, b) => emailLevel(texts, a, b));
  const cell = (record: number, at: number): number => columns[record * WIDTH + at] as number;

  /** The level of two names as they stand. */
  const nameLevel = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : 4 - likeness(a, b));

  function names(a: number, b: number, into: Uint8Array): void {
    const givenA = cell(a, column.given);
    const givenB = cell(b, column.given);
    const familyA = cell(a, column.family);
    const familyB = cell(b, column.family);
    let given = nameLevel(givenA, givenB);
    let family = nameLevel(familyA, familyB);
    if (given !== 1 && family !== 1 && (givenA !== 0 || givenB !== 0)) {
      const one = nameLevel(givenA, familyB);
      const other = nameLevel(familyA, givenB);
      const crossed = one <= 2 && other <= 2 && one + other > 0;
      if (crossed && one + other < (given || 4) + (family || 4)) {
        into[field.given] = level.missing;
        into[field.family] = one !== 0 && other !== 0 ? level.family.swapped : level.family.swappedPart;
        return;
      }
    }
    if (given === 4) {
      const initial = lengthOf(texts, givenA) === 1 || lengthOf(texts, givenB) === 1;
      given = initial && beginsWith(texts, givenA, givenB) ? level.given.initial : level.given.different;
    }
    if (family === 4) family = level.family.different;
    into[field.given] = given;
    into[field.family] = family;
  }

  function placeLevel(a: number, b: number): number {
    const postal = shortLevel(texts, cell(a, column.postal), cell(b, column.postal), 4);
    const localityA = cell(a, column.locality);
    const localityB = cell(b, column.locality);
    const town = localityA === 0 || localityB === 0 ? 0 : ([3, 3, 2, 1][likeness(localityA, localityB)] as number);
    if (postal === 0 && town === 0) return level.missing;
    if (postal === 0 || town === 0) {
      const only = postal + town;
      return only === 1 ? level.place.one : only === 2 ? level.place.near : level.place.different;
    }
    if (postal === 1 && town === 1) return level.place.both;
    if (postal < 3 && town < 3) return level.place.near;
    return postal < 3 || town < 3 ? level.place.part : level.place.different;
  }

  function streetLevel(a: number, b: number): number {
    const streetA = cell(a, column.street);
    const streetB = cell(b, column.street);
    const extraA = cell(a, column.extra);
    const extraB = cell(b, column.extra);
    const extra = extraA === 0 || extraB === 0 ? 0 : likeness(extraA, extraB) >= 2 ? 1 : 3;
    if (streetA === 0 || streetB === 0)
      return extra === 0 ? 0 : extra === 1 ? level.street.part : level.street.different;
    const house = shortLevel(texts, cell(a, column.house), cell(b, column.house), 2);
    if (likeness(streetA, streetB) >= 2) {
      return house === 1 || (house === 0 && extra === 1) ? level.street.dwelling : level.street.street;
    }
    return extra === 1 ? level.street.part : level.street.different;
  }

  /** The best level over all pairs of values; 0 when one side has none. */
  function best(a: number, b: number, from: number, count: number, of: (x: number, y: number) => number): number {
    let found = 0;
    for (let i = 0; i < count; i += 1) {
      const x = cell(a, from + i);
      if (x === 0) break;
      for (let j = 0; j < count; j += 1) {
        const y = cell(b, from + j);
        if (y === 0) break;
        const one = of(x, y);
        if (found === 0 || one < found) found = one;
      }
    }
    return found;
  }

  function identifierLevel(a: number, b: number): number {
    let found = 0;
    for (let i = 0; i < most.identifiers; i += 1) {
      const kind = cell(a, column.identifiers + i * 2);
      if (kind === 0) break;
      for (let j = 0; j < most.identifiers; j += 1) {
        if (cell(b, column.identifiers + j * 2) !== kind) continue;
        const x = cell(a, column.identifiers + i * 2 + 1);
        const one = shortLevel(texts, x, cell(b, column.identifiers + j * 2 + 1), 5);
        if (found === 0 || one < found) found = one;
      }
    }
    return found;
  }

  function contradict(a: number, b: number): boolean {
    const strongA = cell(a, column.strong);
    const strongB = cell(b, column.strong);
    if (strongA === 0 || strongB === 0) return false;
    let different = false;
    for (let i = 0; i < most.identifiers; i += 1) {
      if ((strongA & (1 << i)) === 0) continue;
      for (let j = 0; j < most.identifiers; j += 1) {
        if ((strongB & (1 << j)) === 0) continue;
        if (cell(a, column.identifiers + i * 2) !== cell(b, column.identifiers + j * 2)) continue;
        if (cell(a, column.identifiers + i * 2 + 1) === cell(b, column.identifiers + j * 2 + 1)) return false;
        different = true;
      }
    }
    return different;
  }

  const emailOf = (x: number, y: number): number => (x === y ? level.exact : localParts(x, y));
  const phoneOf = (x: number, y: number): number => {
    const found = shortLevel(texts, x, y, 7);
    return found === level.phone.near && followEachOther(texts, x, y) ? level.phone.different : found;
  };

  return {
    contradict,
    compare(a, b, into) {
      names(a, b, into);
      const birthA = cell(a, column.birth);
      const birthB = cell(b, column.birth);
      into[field.birth] = birthA === 0 || birthB === 0 ? 0 : birthLevel(texts, birthA, birthB);
      const sexA = cell(a, column.sex);
      const sexB = cell(b, column.sex);
      into[field.sex] = sexA === 0 || sexB === 0 ? 0 : sexA === sexB ? 1 : 2;
      into[field.place] = placeLevel(a, b);
      into[field.street] = streetLevel(a, b);
      into[field.email] = best(a, b, column.emails, most.emails, emailOf);
      into[field.phone] = best(a, b, column.phones, most.phones, phoneOf);
      into[field.identifier] = identifierLevel(a, b);
      for (let index = 0; index < attributes; index += 1) {
        const x = cell(a, column.attributes + index);
        const y = cell(b, column.attributes + index);
        into[field.attributes + index] = x === 0 || y === 0 ? 0 : ([3, 2, 2, 1][likeness(x, y)] as number);
      }
    },
    term(a, b, of) {
      if (of === field.given) return cell(a, column.given);
      if (of === field.family) return cell(a, column.family);
      if (of === field.birth) return cell(a, column.birth);
      if (of === field.place) return placeTerm(a, b);
      if (of === field.email) return common(a, b, column.emails, most.emails, 1);
      if (of === field.phone) return common(a, b, column.phones, most.phones, 1);
      if (of === field.identifier) return common(a, b, column.identifiers + 1, most.identifiers, 2);
      return of >= field.attributes ? cell(a, column.attributes + of - field.attributes) : 0;
    },
  };

  function placeTerm(a: number, b: number): number {
    const postal = cell(a, column.postal);
    return postal !== 0 && postal === cell(b, column.postal) ? postal : cell(a, column.locality);
  }

  function common(a: number, b: number, from: number, count: number, step: number): number {
    for (let i = 0; i < count; i += 1) {
      const x = cell(a, from + i * step);
      if (x === 0) continue;
      for (let j = 0; j < count; j += 1) if (cell(b, from + j * step) === x) return x;
    }
    return 0;
  }
}

const AT = 64;

/** E-mail addresses that are not the same: a typing error, the same local part elsewhere, or different. */
function emailLevel(texts: Texts, a: number, b: number): number {
  const { units, offsets } = texts;
  // Where many have one name, providers number them: other digits are other people.
  if (differInDigitsOnly(texts, a, b)) return level.email.different;
  const shortest = min(lengthOf(texts, a), lengthOf(texts, b));
  const allowed = shortest < 16 ? 1 : shortest < 24 ? 2 : 3;
  if (editDistance(texts, a, b, allowed) <= allowed) return level.email.near;
  const startA = offsets[a] as number;
  const startB = offsets[b] as number;
  for (let at = 0; at < shortest && units[startA + at] === units[startB + at]; at += 1) {
    if (units[startA + at] === AT) return at >= 4 ? level.email.localPart : level.email.different;
  }
  return level.email.different;
}

function isDigit(unit: number | undefined): boolean {
  return unit !== undefined && unit >= 48 && unit <= 57;
}

/** Whether two texts are the same but for their digits, however many each has. */
function differInDigitsOnly({ units, offsets }: Texts, a: number, b: number): boolean {
  const [endA, endB] = [offsets[a + 1] as number, offsets[b + 1] as number];
  let x = offsets[a] as number;
  let y = offsets[b] as number;
  for (;;) {
    while (x < endA && isDigit(units[x])) x += 1;
    while (y < endB && isDigit(units[y])) y += 1;
    if (x === endA || y === endB) return x === endA && y === endB;
    if (units[x] !== units[y]) return false;
    x += 1;
    y += 1;
  }
}

/** Numbers are given out in rows of up to a thousand: those that differ in the last three places only are neighbours. */
const ROW_PLACES = 3;

function followEachOther(texts: Texts, a: number, b: number): boolean {
  const { units, offsets } = texts;
  const length = lengthOf(texts, a);
  if (length !== lengthOf(texts, b)) return false;
  const [startA, startB] = [offsets[a] as number, offsets[b] as number];
  for (let at = 0; at < length - ROW_PLACES; at += 1) if (units[startA + at] !== units[startB + at]) return false;
  return true;
}
