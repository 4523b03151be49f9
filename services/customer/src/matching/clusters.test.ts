import { chanceOf, chooseBands } from './bands.js';
import { cluster, type JoinRules } from './clusters.js';

const pairsOf = (pairs: readonly (readonly [number, number, number])[]) => ({
  a: Int32Array.from(pairs.map(([a]) => a)),
  b: Int32Array.from(pairs.map(([, b]) => b)),
  weight: Float32Array.from(pairs.map(([, , weight]) => weight)),
});
const free: JoinRules = { contradict: () => false, doubtful: () => false, evidence: () => 1 };

describe('cluster', () => {
  it('connects what is sure, and names each cluster after its first record', () => {
    const { of, refused } = cluster(
      6,
      pairsOf([
        [1, 4, 9],
        [4, 5, 8],
        [0, 3, 3],
        [2, 3, 1],
      ]),
      3,
      free,
    );
    expect([...of]).toEqual([0, 1, 2, 0, 1, 1]);
    expect(refused).toEqual([]);
  });

  it('joins no two records with different strong identifiers, however many stand between', () => {
    // 0 and 2 have different numbers; 1 has none and looks like both.
    const contradict = (a: number, b: number): boolean => Math.min(a, b) === 0 && Math.max(a, b) === 2;
    const { of, refused } = cluster(
      3,
      pairsOf([
        [0, 1, 9],
        [1, 2, 8],
      ]),
      3,
      { ...free, contradict },
    );
    expect([...of]).toEqual([0, 0, 2]);
    expect(refused).toEqual([1]);
  });

  it('leaves a doubtful pair to a steward, and lets it connect nothing', () => {
    const doubtful = (a: number, b: number): boolean => a + b === 1;
    const pairs = pairsOf([
      [0, 1, 30],
      [1, 2, 5],
    ]);
    const { of, refused } = cluster(3, pairs, 3, { ...free, doubtful });
    expect([...of]).toEqual([0, 1, 1]);
    expect(refused).toEqual([0]);
  });

  it('breaks a bridge that the others speak against', () => {
    // Two triangles and one pair between them, which the other pairs across contradict.
    const side = (record: number): boolean => record < 3;
    const evidence = (a: number, b: number): number => (side(a) === side(b) ? 10 : a + b === 5 ? 6 : -12);
    const triangles = [
      [0, 1, 20],
      [1, 2, 20],
      [3, 4, 20],
      [4, 5, 20],
      [2, 3, 6],
    ] as const;
    const { of } = cluster(6, pairsOf(triangles), 3, { ...free, evidence });
    expect([...of]).toEqual([0, 0, 0, 3, 3, 3]);
    expect([...cluster(6, pairsOf(triangles), 3, free).of]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('chooseBands', () => {
  it('lets everything in that is sure enough where almost all pairs are sure', () => {
    const { auto, review } = chooseBands([...new Array<number>(1000).fill(15), 2.5, 1, -2, -10]);
    expect(chanceOf(auto)).toBeCloseTo(0.8, 6);
    expect(chanceOf(review)).toBeCloseTo(0.1, 6);
  });

  it('goes higher where many pairs are doubtful, so that one in a hundred is expected to be wrong', () => {
    const weights = [...new Array<number>(100).fill(12), ...new Array<number>(100).fill(2.2)];
    const { auto } = chooseBands(weights);
    expect(auto).toBeGreaterThan(2.2);
    const inside = weights.filter((weight) => weight >= auto);
    const wrong = inside.reduce((sum, weight) => sum + 1 - chanceOf(weight), 0);
    expect(wrong / inside.length).toBeLessThanOrEqual(0.01);
  });
});
