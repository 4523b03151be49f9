import fc from 'fast-check';
import { kMeans, matchClusters, nearest, randomOf, silhouette } from './k-means.js';

const around = (x: number, y: number, random: () => number) => [x + random() - 0.5, y + random() - 0.5];

test('finds groups that lie apart, the same ones each time', async () => {
  const random = randomOf(1);
  const middles = [
    [0, 0],
    [10, 0],
    [0, 10],
  ];
  const points = Array.from({ length: 300 }, (_, index) => {
    const [x = 0, y = 0] = middles[index % 3] ?? [];
    return around(x, y, random);
  });
  const { centres } = await kMeans(points, 3, { random: randomOf(7) });
  for (const [x = 0, y = 0] of middles) expect(nearest([x, y], centres).distance).toBeLessThan(0.1);
  expect(await kMeans(points, 3, { random: randomOf(7) })).toMatchObject({ centres });
  const clear = await silhouette(points, centres);
  expect(clear).toBeGreaterThan(0.85);
  const five = await kMeans(points, 5, { random: randomOf(7) });
  expect(await silhouette(points, five.centres)).toBeLessThan(clear);
});

test('points that are all the same are one cluster', async () => {
  const { centres } = await kMeans(
    Array.from({ length: 20 }, () => [1, 2]),
    4,
    { random: randomOf(1) },
  );
  expect(centres).toEqual([[1, 2]]);
});

test('no other matching keeps more members', () => {
  const table = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))
    .chain(([news, olds]) =>
      fc.array(fc.array(fc.nat(20), { minLength: olds, maxLength: olds }), { minLength: news, maxLength: news }),
    );
  const kept = (shared: number[][], choice: readonly (number | undefined)[]) =>
    choice.reduce<number>((sum, old, index) => sum + (old === undefined ? 0 : (shared[index]?.[old] ?? 0)), 0);
  function* all(news: number, olds: number, taken: number[] = []): Generator<(number | undefined)[]> {
    if (news === 0) return yield [];
    for (const old of [undefined, ...Array.from({ length: olds }, (_, index) => index)]) {
      if (old !== undefined && taken.includes(old)) continue;
      for (const rest of all(news - 1, olds, old === undefined ? taken : [...taken, old])) yield [old, ...rest];
    }
  }
  fc.assert(
    fc.property(table, (shared) => {
      const choice = matchClusters(shared);
      const used = choice.filter((one) => one !== undefined);
      expect(new Set(used).size).toBe(used.length);
      const best = Math.max(...[...all(shared.length, shared[0]?.length ?? 0)].map((one) => kept(shared, one)));
      expect(kept(shared, choice)).toBe(best);
    }),
  );
});
