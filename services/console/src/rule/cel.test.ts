import fc from 'fast-check';
import { readCel } from './read-cel.js';
import type { RuleLeaf, RuleTree } from './tree.js';
import { writeCel } from './write-cel.js';

const again = (text: string): string | undefined => {
  const tree = readCel(text);
  return tree && writeCel(tree);
};

describe('a rule that the builder can show', () => {
  it.each([
    'party.age >= 18 && party.age < 30',
    'holdings.count("loan") > 0',
    'party.sex == "female" && holdings.count("card") > 0',
    'party.region in ["Prague", "south Moravia"] && holdings.count("account") > 0',
    'tx.sum("credit", duration("2160h")) >= 50000.5 || tx.count(duration("720h")) == 0',
    'tx.sum({"direction": "debit", "kind": "card"}, duration("720h")) > 100',
    'consent("marketing", "email") && !consent("marketing", "sms")',
    'party.birth_date < date("1950-01-01")',
    'party.branch.startsWith("branch-1")',
    '!(party.age < 30)',
    '!(party.region in ["a"])',
    '!(party.age < 30 && party.sex == "male") || (party.age > 60 && party.sex == "female")',
    'party.name == "say \\"hi\\""',
    'holdings.balance > -100',
    'tx.last_days() > 90',
  ])('%s is the same after a round', (rule) => {
    expect(again(rule)).toBe(rule);
  });

  it.each([
    ["party.sex=='male'", 'party.sex == "male"'],
    ['(party.age > 3)', 'party.age > 3'],
    ['a.b > 1 && c.d > 2 || e.f > 3', '(a.b > 1 && c.d > 2) || e.f > 3'],
    ['consent("a", "b") == false', '!consent("a", "b")'],
    ['party.birth_date > timestamp("1950-01-01T00:00:00Z")', 'party.birth_date > date("1950-01-01")'],
  ])('%s is written as %s', (rule, expected) => {
    expect(again(rule)).toBe(expected);
  });

  it('keeps the arguments apart from what is compared', () => {
    expect(readCel('tx.sum("credit", duration("24h")) > 5')).toEqual({
      combinator: 'and',
      rules: [
        {
          field: 'tx.sum',
          operator: '>',
          value: { args: ['"credit"', 'duration("24h")'], kind: 'number', values: ['5'] },
        },
      ],
    });
  });
});

it.each([
  'party.age >',
  'party.age + 1 > 3',
  '1 < party.age',
  'a ? b : c',
  'party.age > 3 &&',
  '"open',
  'a.b in []',
  '#',
])('%s is left to the text', (rule) => {
  expect(readCel(rule)).toBeUndefined();
});

const word = fc.stringMatching(/^[a-z]{1,6}$/).filter((text) => !['in', 'true', 'false'].includes(text));
const leaf: fc.Arbitrary<RuleLeaf> = fc.record({
  field: fc.tuple(word, word).map((words) => words.join('.')),
  operator: fc.constantFrom('==', '!=', '<', '>='),
  value: fc.oneof(
    fc.record({ kind: fc.constant('string' as const), values: fc.tuple(fc.stringMatching(/^[^\p{Cc}]*$/u)) }),
    fc.record({ kind: fc.constant('number' as const), values: fc.tuple(fc.integer().map(String)) }),
  ),
});
const tree: fc.Arbitrary<RuleTree> = fc.letrec<{ tree: RuleTree; leaf: RuleLeaf }>((tie) => ({
  leaf,
  tree: fc.record({
    combinator: fc.constantFrom('and', 'or'),
    rules: fc.array(fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('tree')), { minLength: 2, maxLength: 3 }),
  }),
})).tree;

it('any tree written and read says the same again', () => {
  fc.assert(
    fc.property(tree, (one) => {
      const text = writeCel(one);
      expect(again(text)).toBe(text);
    }),
  );
});
