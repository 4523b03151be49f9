import fc from 'fast-check';
import { areaUnderCurve, cutsAt, liftOfTenth } from './logistic.js';

const scored = fc.array(
  fc.record({ score: fc.constantFrom(-2, -1, 0, 0.5, 3), seed: fc.boolean(), counts: fc.constantFrom(1, 2.5, 10) }),
  { minLength: 1, maxLength: 60 },
);

test('what to expect does not depend on the order of equal scores, and taking more finds more', () => {
  fc.assert(
    fc.property(scored, (examples) => {
      const cuts = cutsAt(examples);
      const turned = cutsAt(examples.toReversed());
      const seeds = examples.reduce((sum, { seed, counts }) => sum + (seed ? counts : 0), 0);
      const all = examples.reduce((sum, { counts }) => sum + counts, 0);
      for (const [index, cut] of cuts.entries()) {
        const { share, precision, recall, score } = cut;
        expect(turned[index]?.recall).toBeCloseTo(recall);
        expect(precision).toBeLessThanOrEqual(1 + 1e-9);
        // Those taken who are of the seed, counted both ways.
        expect(precision * share * all).toBeCloseTo(recall * seeds);
        expect(recall).toBeGreaterThanOrEqual((cuts[index - 1]?.recall ?? 0) - 1e-9);
        expect(score).toBeLessThanOrEqual(cuts[index - 1]?.score ?? 1);
      }
    }),
  );
});

test('a score that tells nothing takes as much of the seed as chance, a perfect one all of it', () => {
  const of = (score: (seed: boolean) => number) =>
    Array.from({ length: 100 }, (_, index) => ({ score: score(index < 10), seed: index < 10, counts: 1 }));
  const blind = of(() => 1);
  expect(areaUnderCurve(blind)).toBe(0.5);
  expect(liftOfTenth(blind)).toBeCloseTo(1);
  const perfect = of((seed) => (seed ? 2 : -2));
  expect(liftOfTenth(perfect)).toBeCloseTo(10);
  expect(cutsAt(perfect).find(({ share }) => share === 0.1)).toMatchObject({ precision: 1, recall: 1 });
  expect(cutsAt(perfect).find(({ share }) => share === 0.2)).toMatchObject({ precision: 0.5, recall: 1 });
});
