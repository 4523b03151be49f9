import { uuidv7 } from '@rapport/kit/runtime';
import fc from 'fast-check';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { numbersAt, partyAt, sampleOf } from './ranked.js';

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
}, 60_000);
afterAll(() => suite.close());

const { signal } = new AbortController();
/** The number of a party stands where its birth date does, in parts. */
const parts = [1, 3, 1000] as const;

async function bank(numbers: readonly number[]): Promise<string[]> {
  await suite.deps.analytics.command('TRUNCATE TABLE party');
  const parties = numbers.map(() => uuidv7());
  await suite.deps.analytics.insert(
    'party',
    numbers.map((number, index) => ({ party: parties[index], birth_date: number, version: '1', number: index + 1 })),
  );
  return parties;
}
const measures = (part: number) => ({
  text: `SELECT party, birth_date / ${part} AS m0 FROM party
    WHERE party >= {first_party:UUID} AND party < {end_party:UUID}`,
  parameters: {},
});

test('numbers stand where sorting puts them, in however many ranges', async () => {
  const number = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(number, { minLength: 1, maxLength: 60 }),
      fc.constantFrom(...parts),
      fc.integer({ min: 1, max: 4 }),
      async (numbers, part, ranges) => {
        await bank(numbers);
        const end = await suite.inRanges(ranges);
        const places = numbers.map((_, index) => index);
        const { count, at } = await numbersAt(suite.deps, measures(part), {
          columns: ['m0', '-m0'],
          where: 'm0 != 3',
          ranks: () => places,
          signal,
        });
        end();
        const sorted = numbers
          .map((one) => one / part)
          .filter((one) => one !== 3)
          .sort((a, b) => a - b);
        expect(count).toBe(sorted.length);
        expect([...(at[0]?.values() ?? [])]).toEqual(sorted);
        // Zero and minus zero are one number.
        expect([...(at[1]?.values() ?? [])].map((one) => one + 0)).toEqual(sorted.map((one) => 0 - one).reverse());
      },
    ),
    { numRuns: 25, seed: 5 },
  );
}, 120_000);

test('a sample is the same however the bank is cut, and another with another seed', async () => {
  await bank(Array.from({ length: 300 }, (_, index) => index));
  const sample = (seed: number) =>
    sampleOf<{ m0: number }>(suite.deps, measures(1), { columns: 'm0', where: 'm0 >= 100', seed, most: 40, signal });
  const whole = await sample(1);
  const end = await suite.inRanges(4);
  const inRanges = await sample(1);
  const other = await sample(2);
  end();
  expect(whole).toHaveLength(40);
  expect(inRanges).toEqual(whole);
  expect(other.map(({ m0 }) => m0)).not.toEqual(whole.map(({ m0 }) => m0));
  expect(whole.every(({ m0 }) => m0 >= 100)).toBe(true);
});

test('parties are counted in the order of their ids', async () => {
  const parties = await bank(Array.from({ length: 50 }, (_, index) => index % 5));
  const rows = await suite.deps.analytics.query<{ id: string }>(
    'SELECT toString(party) AS id FROM party WHERE birth_date = 2 ORDER BY party',
  );
  const end = await suite.inRanges(3);
  const found = [];
  for (const behind of [0, 4, 9, 10]) {
    found.push(await partyAt(suite.deps, measures(1), { where: 'm0 = 2', behind, signal }));
  }
  end();
  expect(parties).toContain(found[0]);
  expect(found).toEqual([rows[0]?.id, rows[4]?.id, rows[9]?.id, undefined]);
});
