import { runInThisContext } from 'node:vm';
import fc from 'fast-check';
import { readCel } from './read-cel.js';
import { AS_TEXT, isTree, type RuleLeaf, type RuleTree, textLeaf } from './tree.js';
import { writeCel } from './write-cel.js';

/** The lines of a tree by their field or their text. */
const shape = (tree: RuleTree): unknown[] =>
  tree.rules.map((node) => (isTree(node) ? shape(node) : node.field === AS_TEXT ? node.value.values[0] : node.field));

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

describe('what is more than a line can show', () => {
  it.each([
    ['1 < party.age', ['1 < party.age']],
    ['a.b + 1 > 3 && c.d == 2', ['a.b + 1 > 3', 'c.d']],
    ['a.b == 1 || (c.d > e.f && g.h)', ['a.b', ['c.d > e.f', 'g.h']]],
    ['a.b && (c.d ? e.f : g.h)', ['a.b', '(c.d ? e.f : g.h)']],
    ['a.b ? c.d : e.f && g.h', ['a.b ? c.d : e.f && g.h']],
    ['a.b && c.d ? e.f : g.h', ['a.b && c.d ? e.f : g.h']],
    ['[a.b][0] > 2 && !(a.b > c.d)', ['[a.b][0] > 2', ['a.b > c.d']]],
    ['!a.b == 3 && c.d', ['!a.b == 3', 'c.d']],
    ['a.b in []', ['a.b in []']],
    ['a.b("x").c > 2 && d.e', ['a.b("x").c > 2', 'd.e']],
    ['party.age >', ['party.age >']],
  ])('stays a line as text: %s', (rule, lines) => {
    const tree = readCel(rule);
    expect(tree && shape(tree)).toEqual(lines);
    expect(again(rule)).toBe(rule);
  });

  it.each(['"open', '#', 'a.b // why', 'r"raw" == a.b', '(a.b', 'a.b)', '"""a""" == b.c'])(
    'is left to the text: %s',
    (rule) => {
      expect(readCel(rule)).toBeUndefined();
    },
  );

  it('brackets a line as text only where it would mix with its neighbours', () => {
    const lines = (...texts: string[]): RuleTree => ({ combinator: 'and', rules: texts.map(textLeaf) });
    expect(writeCel(lines('a.b || c.d'))).toBe('a.b || c.d');
    expect(writeCel(lines('a.b || c.d', 'e.f > g.h'))).toBe('(a.b || c.d) && e.f > g.h');
    expect(writeCel({ ...lines('a.b ? c.d : e.f'), not: true })).toBe('!(a.b ? c.d : e.f)');
    expect(writeCel(lines('', 'a.b > c.d'))).toBe('a.b > c.d');
  });
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

// What both languages mean by the same text: comparisons of numbers, sums, choices, and, or, not, brackets.
const condition = fc.letrec<{ whole: string; part: string }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('a.x > 1', 'a.y == 2', 'b.x', 'b.y == false', 'a.x + a.y > 3', '1 < a.x', 'b.x == (a.y > 1)'),
    fc.constantFrom('!b.x', '!b.y == true', '!!b.y'),
    tie('whole').map((text) => `(${text})`),
    tie('whole').map((text) => `!(${text})`),
  ),
  whole: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('part'),
    fc.tuple(tie('part'), tie('whole')).map((both) => both.join(' && ')),
    fc.tuple(tie('part'), tie('whole')).map((both) => both.join(' || ')),
    fc.tuple(tie('part'), tie('part'), tie('whole')).map(([a, b, c]) => `${a} ? ${b} : ${c}`),
  ),
})).whole;

const meaning = (text: string): string => {
  const holds = runInThisContext(`(a, b) => Boolean(${text})`) as (a: object, b: object) => boolean;
  const numbers = [1, 2, 3];
  const truths = [true, false];
  return numbers
    .flatMap((x) => numbers.flatMap((y) => truths.flatMap((p) => truths.map((q) => holds({ x, y }, { x: p, y: q })))))
    .join();
};

it('a rule read as lines and written again means the same', () => {
  fc.assert(
    fc.property(condition, (text) => {
      const written = again(text);
      expect(written).toBeDefined();
      expect(meaning(written ?? '')).toBe(meaning(text));
    }),
    { numRuns: 1000 },
  );
});
