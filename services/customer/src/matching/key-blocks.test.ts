import fc from 'fast-check';
import { blockLimit, eachPair, pairBudget } from './blocks.js';
import { collectKeys } from './key-blocks.js';
import { profileOf } from './matching.testkit.js';
import { collectPopulation } from './population.js';

function populationOf(records: number) {
  const collected = collectPopulation();
  for (let at = 0; at < records; at += 1) collected.add(profileOf({}));
  return collected.done();
}

function pairsOf(records: readonly (readonly string[])[]): string[] {
  const collected = collectKeys();
  records.forEach((keys, record) => collected.add(record, keys));
  const blocks = collected.blocks(records.length);
  const pairs: string[] = [];
  const population = populationOf(records.length);
  eachPair(blocks, population, false, 0, blocks.starts.length - 1, (a, b) => void pairs.push(`${a} ${b}`));
  return pairs.sort();
}

it('compares each pair of records that share a key once, and no other', () => {
  const key = fc.string({ maxLength: 2 });
  fc.assert(
    fc.property(fc.array(fc.uniqueArray(key, { maxLength: 6 }), { maxLength: 20 }), (records) => {
      const expected: string[] = [];
      records.forEach((keys, a) =>
        records.forEach((others, b) => {
          if (a < b && keys.some((one) => others.includes(one))) expected.push(`${a} ${b}`);
        }),
      );
      expect(pairsOf(records)).toEqual(expected.sort());
    }),
  );
});

it('finds every key again among more than it had room for at first', () => {
  // Twice 200,000 keys: every table grows more than once.
  const collected = collectKeys();
  const records = 20_000;
  const keys = (record: number): string[] => Array.from({ length: 10 }, (_none, at) => `family-year\0${record}\0${at}`);
  for (let record = 0; record < 2 * records; record += 1) collected.add(record, keys(record % records));
  const { starts, members, placeStarts, skipped } = collected.blocks(2 * records);
  expect(starts).toHaveLength(10 * records + 1);
  expect(members).toHaveLength(20 * records);
  expect(skipped).toEqual({ blocks: 0, largest: 0 });
  for (let block = 0; block < 10 * records; block += 1) {
    const at = starts[block] as number;
    if ((members[at + 1] as number) - (members[at] as number) !== records) throw new Error(`block ${block} is mixed`);
  }
  expect(placeStarts.at(-1)).toBe(20 * records);
});

it('leaves out and counts blocks that say too little for what they cost', () => {
  const collected = collectKeys();
  for (let record = 0; record < 1_500; record += 1) collected.add(record, ['all', `pair ${record >> 1}`]);
  const { starts, skipped } = collected.blocks(1_500);
  expect(starts).toHaveLength(750 + 1);
  expect(skipped).toEqual({ blocks: 1, largest: 1_500 });
  expect(blockLimit(new Map([[1_500, 1]]), pairBudget(1_500))).toBe(2);
});
