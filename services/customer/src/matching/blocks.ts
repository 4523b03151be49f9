import { column, type Population, WIDTH } from './population.js';

/** Records that share a blocking key, block behind block, and for each record the blocks it stands in, ascending. */
export interface Blocks {
  /** Block n holds `members[starts[n]] … members[starts[n + 1] - 1]`. */
  starts: Int32Array;
  members: Int32Array;
  /** Record n stands in `places[placeStarts[n]] … places[placeStarts[n + 1] - 1]`. */
  placeStarts: Int32Array;
  places: Int32Array;
  /** Blocks that were left out because they were too large to say anything. */
  skipped: { blocks: number; largest: number };
}

/** A block of more records than this says too little for what it costs, however small the population. */
const LARGEST_BLOCK = 1_000;

/**
 * The largest size of a block such that all blocks up to it make no more pairs than the budget. `sizes` says how many
 * blocks there are of each size.
 */
export function blockLimit(sizes: ReadonlyMap<number, number>, budget: number): number {
  let pairs = 0;
  let limit = 2;
  for (const [size, count] of [...sizes].sort(([a], [b]) => a - b)) {
    if (size > LARGEST_BLOCK) break;
    pairs += (count * size * (size - 1)) / 2;
    if (pairs > budget && size > 20) break;
    limit = size;
  }
  return limit;
}

/** How many pairs may be compared for so many records. */
export function pairBudget(records: number): number {
  return Math.max(3_000_000, 40 * records);
}

const shared = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(length * 4));

/**
 * Puts blocks into memory that threads share: block n holds `members[starts[n]] … members[starts[n + 1] - 1]`, ascending;
 * `records` is how many records there are.
 */
export function blocksOf(
  ownStarts: ArrayLike<number>,
  ownMembers: ArrayLike<number>,
  records: number,
  skipped: Blocks['skipped'] = { blocks: 0, largest: 0 },
): Blocks {
  const starts = shared(ownStarts.length);
  starts.set(ownStarts);
  const members = shared(ownMembers.length);
  members.set(ownMembers);
  const placeStarts = shared(records + 1);
  for (const member of members) placeStarts[member + 1] = (placeStarts[member + 1] as number) + 1;
  for (let at = 0; at < records; at += 1) {
    placeStarts[at + 1] = (placeStarts[at + 1] as number) + (placeStarts[at] as number);
  }
  const filled = placeStarts.slice(0, records);
  const places = shared(members.length);
  for (let block = 0; block < starts.length - 1; block += 1) {
    for (let at = starts[block] as number; at < (starts[block + 1] as number); at += 1) {
      const member = members[at] as number;
      places[filled[member] as number] = block;
      filled[member] = (filled[member] as number) + 1;
    }
  }
  return { starts, members, placeStarts, places, skipped };
}

/** How many blocks there are. */
export function blockCount(blocks: Blocks): number {
  return blocks.starts.length - 1;
}

/**
 * Calls `fn` once for each pair that shares a block, in the first block that it shares; of several datasets only for
 * pairs across them. `from` and `until` choose the blocks, so that threads can divide them.
 */
export function eachPair(
  blocks: Blocks,
  population: Population,
  across: boolean,
  from: number,
  until: number,
  fn: (a: number, b: number) => void,
): void {
  const { starts, members, placeStarts, places } = blocks;
  const { columns } = population;
  const metBefore = (a: number, b: number, block: number): boolean => {
    let i = placeStarts[a] as number;
    let j = placeStarts[b] as number;
    for (;;) {
      const x = places[i] as number;
      const y = places[j] as number;
      if (x === block && y === block) return false;
      if (x === y) return true;
      if (x < y) i += 1;
      else j += 1;
    }
  };
  for (let block = from; block < until; block += 1) {
    const end = starts[block + 1] as number;
    for (let i = starts[block] as number; i < end; i += 1) {
      const a = members[i] as number;
      for (let j = i + 1; j < end; j += 1) {
        const b = members[j] as number;
        if (across && columns[a * WIDTH + column.dataset] === columns[b * WIDTH + column.dataset]) continue;
        if (!metBefore(a, b, block)) fn(a, b);
      }
    }
  }
}
