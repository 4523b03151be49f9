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

// Every family of the catalogue with what stands in its brackets: counts with a filter and a window, trends, sequences,
// membership, tags. The brackets are JavaScript as well, so each question can be answered by chance, and always alike.
const lengths = ['duration("720h")', 'duration("2160h")', 'duration("36h30m")'];
const filters = ['', '"credit", ', '{"direction": "debit", "kind": "card"}, ', '{"at_least": 100.5}, '];
const numeric = [
  'party.age',
  'holdings.balance',
  'holdings.count()',
  'holdings.count("loan")',
  'household.size()',
  'scheme.score("churn")',
  'tx.last_days({"kind": "card"})',
  ...filters.flatMap((filter) => lengths.map((length) => `tx.sum(${filter}${length})`)),
  ...filters.map((filter) => `tx.count(${filter}duration("720h"), duration("720h"))`),
  'tx.distinct("merchant_category", {"direction": "debit"}, duration("720h"))',
  'tx.trend("credit", duration("2160h"))',
  'holdings.balance_trend(duration("2160h"))',
  'interaction.count({"direction": "inbound", "channel": "phone"}, duration("720h"))',
  'behaviour.changes({"measure": "spending", "code": "groceries:CZK"}, duration("720h"))',
  'life_event.count("new_job", duration("8760h"))',
  'sequence.days({"kind": "cash_deposit"}, {"event": "interaction", "channel": "phone"}, duration("72h"), duration("720h"))',
];
const textual = ['party.region', 'tag.value("occupation-")', 'scheme.group("wealth")', 'household.role()'];
const truths = [
  'consent("marketing", "email")',
  'tag.has("home-owner", "model")',
  'list.has("vip-2026")',
  'segment.member("young-families")',
];
const sign = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
const words = fc.constantFrom('north', 'south', 'say "no"', "it's", 'a\\b', '');
const question = fc.oneof(
  fc.tuple(fc.constantFrom(...numeric), sign, fc.constantFrom('0', '3', '-0.2', '50000.5')).map((all) => all.join(' ')),
  fc
    .tuple(fc.constantFrom(...textual), fc.constantFrom('==', '!='), words)
    .map(([left, op, word]) => `${left} ${op} ${JSON.stringify(word)}`),
  fc
    .tuple(fc.constantFrom(...textual), fc.array(words, { minLength: 1, maxLength: 3 }))
    .map(([left, list]) => `${left} in [${list.map((word) => JSON.stringify(word)).join(', ')}]`),
  fc.tuple(fc.constantFrom(...textual), words).map(([left, word]) => `${left}.startsWith(${JSON.stringify(word)})`),
  fc
    .tuple(fc.constantFrom(...truths), fc.constantFrom('', ' == true', ' != true', ' == false'))
    .map((all) => all.join('')),
  // More than a line can show.
  fc.tuple(fc.constantFrom(...numeric), fc.constantFrom(...numeric)).map(([a, b]) => `${a} + ${b} > 7`),
  fc.constantFrom(...numeric).map((one) => `3 < ${one}`),
  fc.constantFrom(...textual).map((one) => `size(${one}) > 5`),
);
const rule = fc.letrec<{ whole: string; part: string }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { arbitrary: question, weight: 3 },
    fc.constantFrom(...truths).map((one) => `!${one}`),
    tie('whole').map((text) => `(${text})`),
    tie('whole').map((text) => `!(${text})`),
  ),
  whole: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('part'),
    fc.tuple(tie('part'), tie('whole')).map((both) => both.join(' && ')),
    fc.tuple(tie('part'), tie('whole')).map((both) => both.join(' || ')),
  ),
})).whole;

/** A number from 0 that a text and a seed always give. */
const drawn = (text: string, seed: number): number => {
  let hash = seed + 1;
  for (const letter of text) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
  return hash;
};

/** What a rule of the catalogue says, for customers by chance. */
function answers(text: string): string {
  const operands = [...numeric, ...textual].sort((a, b) => b.length - a.length);
  const escaped = operands.map((one) => one.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const source = text.replaceAll(new RegExp(`(${escaped}) in (\\[[^\\]]*\\])`, 'g'), '$2.includes($1)');
  const holds = runInThisContext(
    `(at) => { const { party, holdings, household, scheme, tx, interaction, behaviour, life_event, sequence, tag, list,
      segment, consent, duration, size } = at; return Boolean(${source}); }`,
  ) as (at: object) => boolean;
  return Array.from({ length: 24 }, (_, seed) => {
    const value = (key: string, given: readonly unknown[]): unknown => {
      const number = drawn(`${key}${JSON.stringify(given)}`, seed);
      if (textual.some((one) => one.startsWith(key))) return ['north', 'south', 'say "no"', 'a\\b', 'else'][number % 5];
      if (truths.some((one) => one.startsWith(key))) return number % 2 === 0;
      return [0, 3, -0.2, 4, 50_000.5][number % 5];
    };
    const family = (name: string, plain: readonly string[] = []) =>
      Object.fromEntries(
        [...numeric, ...textual, ...truths]
          .filter((one) => one.startsWith(`${name}.`))
          .map((one) => /^\w+\.(\w+)/.exec(one)?.[1] ?? '')
          .map((member) => {
            const key = `${name}.${member}`;
            return [member, plain.includes(member) ? value(key, []) : (...given: unknown[]) => value(key, given)];
          }),
      );
    return holds({
      party: family('party', ['age', 'region']),
      holdings: family('holdings', ['balance']),
      ...Object.fromEntries(
        [
          'household',
          'scheme',
          'tx',
          'interaction',
          'behaviour',
          'life_event',
          'sequence',
          'tag',
          'list',
          'segment',
        ].map((name) => [name, family(name)]),
      ),
      consent: (...given: unknown[]) => value('consent', given),
      duration: (length: string) => length,
      size: (one: string) => one.length,
    });
  }).join();
}

it('a rule of any family of the catalogue means the same after it was shown as lines', () => {
  const shown = { lines: 0, texts: 0 };
  fc.assert(
    fc.property(rule, (text) => {
      const tree = readCel(text);
      expect(tree).toBeDefined();
      if (!tree) return;
      const count = (node: RuleTree): void => {
        for (const one of node.rules) {
          if (isTree(one)) count(one);
          else shown[one.field === AS_TEXT ? 'texts' : 'lines'] += 1;
        }
      };
      count(tree);
      const written = writeCel(tree);
      expect({ text, means: answers(written) }).toEqual({ text, means: answers(text) });
    }),
    { numRuns: 1000 },
  );
  // Most of it is lines to click together; the rest is kept as it is written.
  expect(shown.lines).toBeGreaterThan(shown.texts);
  expect(shown.texts).toBeGreaterThan(0);
});
