import { blockLimit, type Blocks, blocksOf, pairBudget } from './blocks.js';

// The hottest loops of the service: a global looked up for every unit costs more than what is done with it.
const { imul } = Math;

/** Blocking keys of many records in memory, as 64 bits of each key. */
export interface KeyBlocks {
  /** `record` must not be smaller than the one before; no key may come twice for one record. */
  add(record: number, keys: readonly string[]): void;
  /**
   * Puts together the records that share a key, as far as their blocks are within the budget of so many records. Call
   * once, at the end: the keys are forgotten.
   */
  blocks(records: number): Blocks;
}

function grown<T extends Int32Array | Uint32Array>(from: T, larger: T): T {
  larger.set(from);
  return larger;
}

/**
 * Collects blocking keys: about 30 bytes for each key of each record. Two keys with the same 64 bits would be one block,
 * which costs a comparison and decides nothing. The blocks come in the order of their hashes: any part of them is a
 * random one, and the same keys give the same order.
 */
export function collectKeys(): KeyBlocks {
  // Which key each entry has, and of which record it is.
  let entryKeys = new Int32Array(1 << 16);
  let entryRecords = new Int32Array(1 << 16);
  let entries = 0;
  // The two halves of each key, and how many records have it.
  let high = new Uint32Array(1 << 16);
  let low = new Uint32Array(1 << 16);
  let sizes = new Int32Array(1 << 16);
  let keys = 0;
  // Open addressing: the number of a key above 0, at the first free place from its lower half on.
  let table = new Int32Array(1 << 18);

  function rehash(): void {
    table = new Int32Array(table.length * 2);
    const mask = table.length - 1;
    for (let key = 0; key < keys; key += 1) {
      let slot = (low[key] as number) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = key + 1;
    }
  }

  function numberOf(one: number, other: number): number {
    const mask = table.length - 1;
    let slot = other & mask;
    for (let found = table[slot] as number; found !== 0; found = table[slot] as number) {
      if (high[found - 1] === one && low[found - 1] === other) return found - 1;
      slot = (slot + 1) & mask;
    }
    if (keys === high.length) {
      high = grown(high, new Uint32Array(keys * 2));
      low = grown(low, new Uint32Array(keys * 2));
      sizes = grown(sizes, new Int32Array(keys * 2));
    }
    high[keys] = one;
    low[keys] = other;
    keys += 1;
    table[slot] = keys;
    if (keys * 2 > table.length) rehash();
    return keys - 1;
  }

  function add(record: number, texts: readonly string[]): void {
    for (const text of texts) {
      let one = 0x811c9dc5;
      let other = 0x9e3779b9;
      for (let at = 0; at < text.length; at += 1) {
        const unit = text.charCodeAt(at);
        one = imul(one ^ unit, 0x01000193);
        other = imul(other ^ unit, 0x85ebca6b);
        other ^= other >>> 13;
      }
      const key = numberOf(mixed(one ^ text.length), mixed(other));
      if (entries === entryKeys.length) {
        entryKeys = grown(entryKeys, new Int32Array(entries * 2));
        entryRecords = grown(entryRecords, new Int32Array(entries * 2));
      }
      entryKeys[entries] = key;
      entryRecords[entries] = record;
      entries += 1;
      sizes[key] = (sizes[key] as number) + 1;
    }
  }

  function blocks(records: number): Blocks {
    const many = new Map<number, number>();
    for (let key = 0; key < keys; key += 1) {
      const size = sizes[key] as number;
      if (size > 1) many.set(size, (many.get(size) ?? 0) + 1);
    }
    const limit = blockLimit(many, pairBudget(records));
    const over = [...many].filter(([size]) => size > limit);
    // Where the next member of each block goes; none of blocks that are left out.
    const next = new Int32Array(keys).fill(-1);
    const starts: number[] = [0];
    let end = 0;
    for (const found of table) {
      const size = found === 0 ? 0 : (sizes[found - 1] as number);
      if (size < 2 || size > limit) continue;
      next[found - 1] = end;
      end += size;
      starts.push(end);
    }
    table = new Int32Array(0);
    const members = new Int32Array(end);
    for (let entry = 0; entry < entries; entry += 1) {
      const key = entryKeys[entry] as number;
      const at = next[key] as number;
      if (at < 0) continue;
      members[at] = entryRecords[entry] as number;
      next[key] = at + 1;
    }
    entryKeys = entryRecords = sizes = new Int32Array(0);
    high = low = new Uint32Array(0);
    return blocksOf(starts, members, records, {
      blocks: over.reduce((sum, [, count]) => sum + count, 0),
      largest: over.reduce((most, [size]) => Math.max(most, size), 0),
    });
  }

  return { add, blocks };
}

/** Spreads every bit over all of them (the end of murmur3). */
function mixed(hash: number): number {
  let bits = imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
