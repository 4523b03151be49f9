import { fieldsWith } from './fields.js';
import { codeOf, learn, levelsOf, type Patterns } from './model.js';
import { randomBits } from './work.js';

const fields = fieldsWith();

test('a code gives its levels back', () => {
  const levels = Uint8Array.from([1, 6, 2, 0, 5, 4, 3, 0, 1]);
  expect([...levelsOf(fields, codeOf(fields, levels))]).toEqual([...levels]);
});

test('learning finds the parameters that made the pairs, without labels', () => {
  // Pairs are drawn from known parameters over four fields; the others are missing.
  const known = [0, 1, 2, 6];
  const m = [
    [0.7, 0.15, 0.05, 0.02, 0.08],
    [0.75, 0.12, 0.03, 0.01, 0.01, 0.08],
    [0.85, 0.06, 0.03, 0.02, 0.01, 0.03],
    [0.6, 0.1, 0.1, 0.2],
  ];
  const u = [
    [0.01, 0.01, 0.03, 0.005, 0.945],
    [0.004, 0.004, 0.02, 0.001, 0.001, 0.97],
    [0.0004, 0.003, 0.006, 0.01, 0.01, 0.9706],
    [0.0001, 0.0001, 0.0002, 0.9996],
  ];
  const next = randomBits(7);
  const draw = (chances: readonly number[]): number => {
    let left = next() / 2 ** 32;
    return (
      1 +
      Math.max(
        0,
        chances.findIndex((chance) => (left -= chance) < 0),
      )
    );
  };
  const pairs = 400_000;
  const matches = 2_000;
  const candidates: Patterns = new Map();
  const random: Patterns = new Map();
  for (let pair = 0; pair < pairs; pair += 1) {
    const from = pair < matches ? m : u;
    const levels = new Uint8Array(fields.length);
    known.forEach((at, index) => (levels[at] = draw(from[index] as number[])));
    const code = codeOf(fields, levels);
    random.set(code, (random.get(code) ?? 0) + 1);
    // As blocking does: what agrees in nothing is never compared.
    if (known.some((at, index) => (levels[at] as number) < (m[index] as number[]).length)) {
      candidates.set(code, (candidates.get(code) ?? 0) + 1);
    }
  }
  const learned = learn({ fields, random, candidates, scale: 1, pairs });
  expect(learned.match * pairs).toBeGreaterThan(matches * 0.95);
  expect(learned.match * pairs).toBeLessThan(matches * 1.05);
  known.forEach((at, index) => {
    (m[index] as number[]).forEach((value, stands) => {
      expect(Math.abs((learned.m[at]?.[stands] as number) - value)).toBeLessThan(0.03);
    });
    expect(learned.u[at]?.[0] as number).toBeCloseTo(u[index]?.[0] as number, 2);
  });
});
