import fc from 'fast-check';
import { type Rule, readRule } from '../rule/rule.js';
import { type Cell, holds, variableKey, variablesOf } from './cells.js';
import { provePartition } from './prove.js';

function ruleOf(text: string): Rule {
  const read = readRule(text);
  if ('problem' in read) throw new Error(`${text}: ${read.problem.message}`);
  return read.rule;
}
const prove = (...texts: string[]) => provePartition(texts.map(ruleOf));

function matches(rule: Rule, values: ReadonlyMap<string, Cell>): boolean {
  switch (rule.kind) {
    case 'constant':
      return rule.value;
    case 'not':
      return !matches(rule.part, values);
    case 'and':
      return rule.parts.every((part) => matches(part, values));
    case 'or':
      return rule.parts.some((part) => matches(part, values));
    default:
      return holds(rule, values.get(variableKey(rule)));
  }
}

describe('a proof', () => {
  test('accepts bands that meet, with the missing ones', () => {
    expect(
      prove('party.age < 18', 'party.age >= 18 && party.age < 65', 'party.age >= 65', '!(party.age >= 0)'),
    ).toEqual({ verdict: 'proved' });
  });

  test('finds the age in which two groups meet twice, and the one between them', () => {
    expect(prove('party.age <= 18', '!(party.age < 18)')).toMatchObject({
      verdict: 'overlap',
      groups: [0, 1],
      example: 'age is 18',
    });
    expect(prove('party.age < 18', 'party.age > 18', '!(party.age >= 0)')).toMatchObject({
      verdict: 'gap',
      groups: [],
      example: 'age is 18',
    });
  });

  test('knows that a missing value matches no comparison', () => {
    expect(prove('party.region == "north"', 'party.region != "north"')).toMatchObject({
      verdict: 'gap',
      example: 'region is missing',
    });
  });

  test('knows whole numbers from decimals, and that nothing is counted below 0', () => {
    expect(prove('holdings.count() <= 1', 'holdings.count() >= 2').verdict).toBe('proved');
    expect(prove('holdings.count() == 0', 'holdings.count() > 0').verdict).toBe('proved');
    expect(prove('holdings.balance <= 1', 'holdings.balance >= 2')).toMatchObject({
      verdict: 'gap',
      example: 'balance of the owned accounts is 1.5',
    });
    expect(prove('tx.sum(duration("24h")) == 0.0', 'tx.sum(duration("24h")) > 0').verdict).toBe('proved');
  });

  test('knows days, declared values, lists and beginnings of texts', () => {
    const day = 'party.birth_date';
    const ends = [`${day} <= date("1999-12-31")`, `${day} >= date("2000-01-01")`];
    expect(prove(...ends, `!(${day} < date("2000-01-01")) && !(${day} >= date("2000-01-01"))`).verdict).toBe('proved');
    expect(prove(...ends, `!(${day} > date("1900-01-01"))`)).toMatchObject({ verdict: 'overlap', groups: [0, 2] });
    const sexes = ['male', 'female', 'other'].map((sex) => `party.sex == "${sex}"`);
    expect(prove(...sexes, '!(party.sex in ["male", "female", "other"])').verdict).toBe('proved');
    expect(prove('party.region.startsWith("nor")', 'party.region in ["north", "south"]')).toMatchObject({
      verdict: 'overlap',
      example: 'region is north',
    });
  });

  test('knows numbers that are reckoned, and says days as days', () => {
    const each = 'holdings.balance / holdings.count("account")';
    expect(prove(`${each} < 1000`, `${each} >= 1000`, `!(${each} < 1000) && !(${each} >= 1000)`).verdict).toBe(
      'proved',
    );
    expect(prove(`${each} < 1000`, `${each} >= 1000`)).toMatchObject({
      verdict: 'gap',
      example: 'balance of the owned accounts divided by number of owned accounts is missing',
    });
    const both = 'holdings.count("loan") + holdings.count("card")';
    expect(prove(`${both} <= 1`, `${both} >= 2`).verdict).toBe('proved');
    expect(prove(`${both} <= 2`, `${both} >= 2`)).toMatchObject({ verdict: 'overlap', groups: [0, 1] });
    expect(prove('party.birth_date <= date("1999-12-31")', 'party.birth_date >= date("1999-12-31")')).toMatchObject({
      verdict: 'overlap',
      example: 'date of birth is 1999-12-31',
    });
  });

  test('a comparison of two features counts as a fact of its own', () => {
    const more = 'holdings.count("card") > holdings.count("loan")';
    expect(prove(more, `!(${more})`).verdict).toBe('proved');
  });

  test('gives up rather than run for ever', () => {
    const rule = ruleOf('(party.age > 1 || holdings.balance > 1) && (party.age < 5 || holdings.balance < 5)');
    expect(provePartition([rule, { kind: 'not', part: rule }]).verdict).toBe('proved');
    expect(provePartition([rule, { kind: 'not', part: rule }], 5).verdict).toBe('too complex');
  });
});

const features = [
  { text: 'party.age', constants: ['17', '18', '20', '65'] },
  { text: 'holdings.balance', constants: ['0', '-1.5', '100'] },
  { text: 'holdings.count("loan")', constants: ['0', '1', '3'] },
];
const comparison = fc
  .constantFrom(...features)
  .chain(({ text, constants }) =>
    fc
      .tuple(fc.constantFrom('==', '!=', '<', '<=', '>', '>='), fc.constantFrom(...constants))
      .map(([op, constant]) => `${text} ${op} ${constant}`),
  );
const region = fc.oneof(
  fc.constantFrom('north', 'south').map((one) => `party.region == "${one}"`),
  fc.constantFrom('n', 'no', 'x').map((one) => `party.region.startsWith("${one}")`),
);
const { rule: anyRule } = fc.letrec<{ rule: string }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 3 },
    comparison,
    region,
    fc.tuple(tie('rule'), tie('rule')).map(([a, b]) => `(${a} && ${b})`),
    fc.tuple(tie('rule'), tie('rule')).map(([a, b]) => `(${a} || ${b})`),
    tie('rule').map((a) => `!(${a})`),
  ),
}));

/** Values closer together than any two constants, far beyond them on both sides. */
const universe: Record<string, Cell[]> = {
  'party.age': [undefined, 0, 1, 16, 17, 18, 19, 20, 21, 40, 64, 65, 66, 120],
  'holdings.balance': [-1000, -2, -1.5, -1, -0.5, 0, 0.5, 1, 50, 99, 100, 101, 1e6],
  'holdings.count': [0, 1, 2, 3, 4, 50],
  'party.region': [undefined, 'north', 'south', 'n', 'no', 'nz', 'x', 'xy', 'other'],
};

/** Every combination of values, one by one. */
function bruteForce(rules: readonly Rule[]): 'proved' | 'wrong' {
  const variables = [...variablesOf(rules).values()];
  let combinations: Map<string, Cell>[] = [new Map()];
  for (const { key, subject } of variables) {
    const values = universe[subject && 'feature' in subject ? subject.feature.key : ''] ?? [];
    combinations = combinations.flatMap((one) => values.map((value) => new Map(one).set(key, value)));
  }
  const sound = combinations.every((values) => rules.filter((rule) => matches(rule, values)).length === 1);
  return sound ? 'proved' : 'wrong';
}

/** Rules that are often a partition: what one takes the next ones leave, sometimes with a mistake. */
const groups = fc
  .tuple(fc.array(anyRule, { minLength: 1, maxLength: 3 }), fc.nat(3), fc.boolean())
  .map(([rules, broken, last]) => {
    const before = (index: number) => rules.slice(0, index).map((rule) => `!(${rule})`);
    const all = rules.map((rule, index) => [`(${rule})`, ...before(index)].join(' && '));
    if (last) all.push(before(rules.length).join(' && '));
    return broken === 0 ? [...all.slice(1), 'party.age >= 18'] : all;
  });

test('agrees with trying every combination, and its counterexamples are ones', () => {
  const verdicts = new Map<string, number>();
  fc.assert(
    fc.property(groups, (texts) => {
      // What nobody could ever meet is refused as a rule.
      fc.pre(texts.every((text) => 'rule' in readRule(text)));
      const rules = texts.map(ruleOf);
      const proof = provePartition(rules);
      verdicts.set(proof.verdict, (verdicts.get(proof.verdict) ?? 0) + 1);
      expect(proof.verdict === 'proved').toBe(bruteForce(rules) === 'proved');
      if (proof.verdict !== 'overlap' && proof.verdict !== 'gap') return;
      // Whatever the features that were not named are: they do not matter.
      const matched = rules.map((rule) => matches(rule, proof.values));
      if (proof.verdict === 'overlap') expect(proof.groups.every((group) => matched[group])).toBe(true);
      else expect(matched).not.toContain(true);
    }),
    { numRuns: 300 },
  );
  // A test of only one verdict would say little.
  expect(Math.min(verdicts.get('proved') ?? 0, verdicts.get('overlap') ?? 0, verdicts.get('gap') ?? 0)).toBeGreaterThan(
    9,
  );
});
