import fc from 'fast-check';
import { hiddenCells, type Numbers, SMALLEST, tellsOfFew } from './small.js';

const cell: fc.Arbitrary<Numbers> = fc
  .tuple(fc.oneof(fc.nat(12), fc.nat(500)), fc.oneof(fc.nat(12), fc.nat(500)))
  .map(([count, others]) => ({ count, population: count + others }));

const sum = (cells: readonly Numbers[]): Numbers => ({
  count: cells.reduce((total, { count }) => total + count, 0),
  population: cells.reduce((total, { population }) => total + population, 0),
});

it('hides every cell that tells of few, in the rule, beside it, or of all', () => {
  expect(tellsOfFew({ count: 4, population: 100 })).toBe(true);
  expect(tellsOfFew({ count: 0, population: 4 })).toBe(true);
  expect(tellsOfFew({ count: 97, population: 100 })).toBe(true);
  expect(tellsOfFew({ count: SMALLEST, population: 100 })).toBe(false);
  expect(tellsOfFew({ count: 0, population: 100 })).toBe(false);
  expect(tellsOfFew({ count: 100, population: 100 })).toBe(false);
});

it('hides a second cell where the total would tell of the first', () => {
  const cells = [
    { count: 2, population: 40 },
    { count: 20, population: 60 },
    { count: 30, population: 50 },
  ];
  expect(hiddenCells(cells)).toEqual([true, false, true]);
});

it('what is hidden cannot be reckoned to fewer than five people from the totals', () => {
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 12 }), (cells) => {
      const hidden = hiddenCells(cells);
      cells.forEach((one, index) => expect(hidden[index] || !tellsOfFew(one)).toBe(true));
      const out = cells.filter((_, index) => hidden[index]);
      const everything = cells.every(({ population }, index) => hidden[index] || population === 0);
      if (out.length > 0 && !everything) {
        expect(out.length).toBeGreaterThan(1);
        expect(tellsOfFew(sum(out))).toBe(false);
      }
    }),
  );
});

it('hides nothing where no cell tells of few', () => {
  expect(
    hiddenCells([
      { count: 10, population: 40 },
      { count: 0, population: 60 },
    ]),
  ).toEqual([false, false]);
});
