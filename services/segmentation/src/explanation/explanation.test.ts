import fc from 'fast-check';
import { describeRule, leavesOf, readRule, type Rule, type SegmentRule } from '../rule/rule.js';
import { decidingWords, partsOf as partsOfTold, tell } from './explanation.js';

const ruleOf = (text: string): Rule => {
  const read = readRule(text);
  if ('problem' in read) throw new Error(read.problem.message);
  return read.rule;
};

const partsOf = (rule: Rule, verdicts: readonly boolean[]) =>
  partsOfTold(tell({ rule, text: '', asOf: 20260315 }).told, verdicts);

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

test('the rule of another segment is told behind the condition that asks for it, and decides with it', () => {
  const segment = (text: string, organisationPath: string, asOf?: number): SegmentRule => ({
    rule: ruleOf(text),
    text,
    version: 3,
    organisationPath,
    asOf,
  });
  const segments = new Map([
    ['young', segment('party.age < 30', '/')],
    ['keen', segment('segment.member("young") && tx.count(duration("720h")) > 9', '/', 20260101)],
    ['south', segment('party.sex == "female"', '/south')],
    ['secret', segment('party.age > 1', '/secret')],
  ]);
  const text = 'segment.member("keen") || segment.member("south") || segment.member("secret")';
  const opening = {
    segments,
    inside: ({ organisationPath }: SegmentRule) => organisationPath === '/',
    mayOpen: ({ organisationPath }: SegmentRule) => organisationPath !== '/secret',
  };
  const { told, leaves } = tell({ rule: ruleOf(text), text, asOf: 20260315 }, opening);
  expect(leaves.map(({ leaf, asOf }) => [describeRule(leaf), asOf])).toEqual([
    ['in the segment keen', 20260315],
    ['in the segment young', 20260101],
    ['age is less than 30', 20260101],
    ['number of transactions in the last 30 days is more than 9', 20260101],
    ['in the segment south', 20260315],
    ['sex is female', 20260315],
    ['in the segment secret', 20260315],
  ]);
  const parts = partsOfTold(told, [false, true, true, false, false, true, false]);
  expect(
    parts.map(({ rule, depth, holds, decides, segmentVersion }) => [
      '- '.repeat(depth) + describeRule(rule),
      holds,
      decides,
      segmentVersion,
    ]),
  ).toEqual([
    [describeRule(ruleOf(text)), false, true, ''],
    ['- in the segment keen', false, true, ''],
    [
      '- - in the segment young and number of transactions in the last 30 days is more than 9',
      false,
      true,
      'segments/keen@3',
    ],
    ['- - - in the segment young', true, false, 'segments/keen@3'],
    ['- - - - age is less than 30', true, false, 'segments/young@3'],
    ['- - - number of transactions in the last 30 days is more than 9', false, true, 'segments/keen@3'],
    ['- in the segment south', false, true, ''],
    // Where a segment does not look, its rule decides nothing.
    ['- - sex is female', true, false, 'segments/south@3'],
    ['- in the segment secret', false, true, ''],
  ]);
  expect(decidingWords(parts)).toBe(
    'it is not so that in the segment keen (it is not so that number of transactions in the last 30 days is more than 9); it is not so that in the segment south; it is not so that in the segment secret',
  );
});
