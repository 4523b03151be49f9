import fc from 'fast-check';
import { describeRule, leavesOf, readRule, type Rule } from '../rule/rule.js';
import { decidingWords, partsOf } from './explanation.js';

const ruleOf = (text: string): Rule => {
  const read = readRule(text);
  if ('problem' in read) throw new Error(read.problem.message);
  return read.rule;
};

/** Rules of up to five levels over twenty conditions that differ. */
const texts = fc.letrec<{ rule: string }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'rule' },
    fc.integer({ min: 1, max: 20 }).map((age) => `party.age >= ${age}`),
    tie('rule').map((one) => `!(${one})`),
    fc.tuple(tie('rule'), tie('rule')).map(([a, b]) => `(${a}) && (${b})`),
    fc.tuple(tie('rule'), tie('rule'), tie('rule')).map((parts) => parts.map((one) => `(${one})`).join(' || ')),
  ),
})).rule;

test('what decides decides: whatever the other conditions were, the answer would be the same', () => {
  fc.assert(
    fc.property(texts, fc.infiniteStream(fc.boolean()), fc.infiniteStream(fc.boolean()), (text, first, second) => {
      const rule = ruleOf(text);
      const verdicts = leavesOf(rule).map(() => first.next().value as boolean);
      const parts = partsOf(rule, verdicts);
      const fixed = new Set(parts.filter((part) => part.decides).map((part) => part.leaf));
      const others = verdicts.map((verdict, place) => (fixed.has(place) ? verdict : (second.next().value as boolean)));
      expect(partsOf(rule, others)[0]?.holds).toBe(parts[0]?.holds);
      // And something decides: turning all of it around turns the answer around, or at least one of it does.
      expect(fixed.size).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});

test('a part is told once, with its depth, in the order in which it stands', () => {
  const rule = ruleOf('party.age >= 60 && (holdings.count("loan") > 0 || !(holdings.count("card") > 2))');
  const parts = partsOf(rule, [true, false, true]);
  expect(parts.map((part) => [part.depth, part.holds, part.decides, describeRule(part.rule)])).toEqual([
    [0, false, true, describeRule(rule)],
    [1, true, false, 'age is at least 60'],
    [1, false, true, 'number of owned loans is more than 0 or not (number of owned cards is more than 2)'],
    [2, false, true, 'number of owned loans is more than 0'],
    [2, false, true, 'not (number of owned cards is more than 2)'],
    [3, true, true, 'number of owned cards is more than 2'],
  ]);
  expect(decidingWords(parts)).toBe(
    'it is not so that number of owned loans is more than 0; number of owned cards is more than 2',
  );
});
