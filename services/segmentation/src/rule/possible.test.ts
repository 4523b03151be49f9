import fc from 'fast-check';
import { readRule } from './rule.js';

const reasonOf = (text: string) => {
  const read = readRule(text);
  return 'rule' in read ? undefined : read.problem;
};

test.each([
  ['party.age < 0', 1],
  ['party.age > 59.5 && party.age < 60', 21],
  ['holdings.count() == 2.5', 1],
  ['holdings.count() < 0 || party.sex == "male"', 1],
  ['!(tx.count(duration("24h")) < 0)', 3],
  ['party.sex == "male" && party.age > 3 && party.sex == "woman"', 41],
  ['party.sex != "male" && party.sex != "female" && party.sex != "other"', 49],
  ['party.region == "a" && party.region in ["b", "c"]', 24],
  ['party.region.startsWith("ab") && party.region.startsWith("b")', 34],
  ['party.region.startsWith("ab") && party.region == "ac"', 34],
  ['consent("marketing", "email") && !consent("marketing", "email")', 35],
  ['tx.count(duration("24h")) >= 1 && !(tx.count(duration("24h")) > 0)', 37],
  ['holdings.balance > 5 && holdings.balance < 3', 25],
  ['holdings.balance > 5 && (party.age > 3 && holdings.balance <= 5)', 43],
  ['party.birth_date > date("2000-01-01") && party.birth_date < date("1990-01-01")', 42],
  ['party.region in []', 1],
  ['false', 1],
  ['party.age > 3 && 1 > 2', 1],
  ['!(true || party.age > 3)', 1],
])('%s could never be met', (text, column) => {
  expect(reasonOf(text)).toMatchObject({ reason: 'IMPOSSIBLE', line: 1, column });
});

test.each([
  'party.age >= 0',
  'party.age > 59.5 && party.age < 61',
  // Missing values: the one does not exclude the other.
  '!(party.age < 30) && !(party.age >= 30)',
  'party.age < 30 || party.age >= 30',
  'holdings.balance < 0',
  'tx.count(duration("24h")) > 5 && tx.count(duration("48h")) < 3',
  'party.sex != "male" && party.sex != "female"',
  'party.region.startsWith("a") && party.region.startsWith("ab")',
  'consent("marketing", "email") && !consent("marketing", "sms")',
  'true || false',
])('%s is taken', (text) => {
  expect(reasonOf(text)).toBeUndefined();
});

/** Every value at which a condition about these constants can change its mind, and some between them. */
const grid = [-1, 0, 1, 2, 3, 4, 5, 6].flatMap((value) => [value - 0.25, value, value + 0.25]);
const features = [
  { text: 'tx.count(duration("24h"))', values: grid.filter((value) => Number.isInteger(value) && value >= 0) },
  { text: 'holdings.balance', values: grid },
  { text: 'tx.sum(duration("24h"))', values: grid.filter((value) => value >= 0) },
];
const meets: Record<string, (value: number, constant: number) => boolean> = {
  '==': (value, constant) => value === constant,
  '!=': (value, constant) => value !== constant,
  '<': (value, constant) => value < constant,
  '<=': (value, constant) => value <= constant,
  '>': (value, constant) => value > constant,
  '>=': (value, constant) => value >= constant,
};

test('conditions of one feature are refused exactly when no value meets them all', () => {
  const seen = { refused: 0, taken: 0 };
  const condition = fc.record({
    op: fc.constantFrom(...Object.keys(meets)),
    constant: fc.constantFrom(0, 1, 2, 3, 4, 5),
    turned: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.constantFrom(...features), fc.array(condition, { minLength: 1, maxLength: 5 }), (feature, asked) => {
      const text = asked
        .map(({ op, constant, turned }) => `${turned ? '!' : ''}(${feature.text} ${op} ${constant})`)
        .join(' && ');
      const possible = feature.values.some((value) =>
        asked.every(({ op, constant, turned }) => meets[op]?.(value, constant) !== turned),
      );
      // A part that is impossible by itself is refused turned around as well: it is a slip all the same.
      const slip = asked.some(({ op, constant }) => !feature.values.some((value) => meets[op]?.(value, constant)));
      seen[possible && !slip ? 'taken' : 'refused'] += 1;
      expect({ text, refused: reasonOf(text)?.reason === 'IMPOSSIBLE' }).toEqual({ text, refused: !possible || slip });
    }),
    { numRuns: 2000, seed: 11 },
  );
  expect(Math.min(seen.refused, seen.taken)).toBeGreaterThan(200);
});
