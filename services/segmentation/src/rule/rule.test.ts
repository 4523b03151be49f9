import { describeRule, leavesOf, readRule, readValue, type SegmentRule } from './rule.js';

function problemOf(text: string): { line: number; column: number; reason: string } | undefined {
  const read = readRule(text);
  if ('rule' in read) return undefined;
  const { line, column, reason } = read.problem;
  return { line, column, reason };
}

describe('a rule is refused with its position', () => {
  test.each([
    ['party.shoe_size > 40', 1, 1, 'ATTRIBUTE_UNKNOWN'],
    ['party.age > 3 &&\n  party.shoe > 40', 2, 3, 'ATTRIBUTE_UNKNOWN'],
    ['"žluťoučký" == party.region && foo == 1', 1, 32, 'ATTRIBUTE_UNKNOWN'],
    ['age > 3', 1, 1, 'ATTRIBUTE_UNKNOWN'],
    ['party > 3', 1, 1, 'ATTRIBUTE_UNKNOWN'],
    ['holdings.total("loan") > 3', 1, 1, 'ATTRIBUTE_UNKNOWN'],
    ['party.age == "thirty"', 1, 14, 'TYPE_MISMATCH'],
    ['party.age < 1e999', 1, 13, 'ARGUMENT_INVALID'],
    ['party.age > -1e999', 1, 13, 'ARGUMENT_INVALID'],
    ['party.age == 9007199254740993', 1, 14, 'ARGUMENT_INVALID'],
    ['party.age in [1, 9223372036854775807]', 1, 18, 'ARGUMENT_INVALID'],
    ['"thirty" == party.age', 1, 1, 'TYPE_MISMATCH'],
    ['party.birth_date < "1950-01-01"', 1, 20, 'TYPE_MISMATCH'],
    ['party.birth_date < 1950', 1, 20, 'TYPE_MISMATCH'],
    ['party.region > "a"', 1, 14, 'TYPE_MISMATCH'],
    ['party.age in [1, "b"]', 1, 18, 'TYPE_MISMATCH'],
    ['party.age in party.age', 1, 14, 'TYPE_MISMATCH'],
    ['(party.age > 3) == true', 1, 2, 'TYPE_MISMATCH'],
    ['consent("marketing", "email") > true', 1, 30, 'TYPE_MISMATCH'],
    ['party.age == null', 1, 14, 'TYPE_MISMATCH'],
    ['party.sex == "divers"', 1, 14, 'ARGUMENT_INVALID'],
    ['party.sex in ["M", "Q"]', 1, 20, 'ARGUMENT_INVALID'],
    ['party.occupation == "teacher"', 1, 21, 'ARGUMENT_INVALID'],
    ['party.industry in ["mining", "K"]', 1, 30, 'ARGUMENT_INVALID'],
    ['party.education == "school"', 1, 20, 'ARGUMENT_INVALID'],
    ['party.education_level > 8', 1, 1, 'IMPOSSIBLE'],
    ['party.income < 0', 1, 1, 'IMPOSSIBLE'],
    ['goals.has("house")', 1, 11, 'ARGUMENT_INVALID'],
    ['online.count("telex", duration("720h")) > 0', 1, 14, 'ARGUMENT_INVALID'],
    ['tx.distinct("payee", duration("720h")) > 0', 1, 13, 'ARGUMENT_INVALID'],
    ['holdings.count("boat") > 0', 1, 16, 'ARGUMENT_INVALID'],
    ['holdings.count > 0', 1, 1, 'ARGUMENT_INVALID'],
    ['party.age() > 0', 1, 1, 'ARGUMENT_INVALID'],
    ['tx.count() > 0', 1, 1, 'ARGUMENT_INVALID'],
    ['tx.count("720h") > 0', 1, 10, 'ARGUMENT_INVALID'],
    ['tx.count(duration("30d")) > 0', 1, 19, 'ARGUMENT_INVALID'],
    ['tx.count(duration("0h")) > 0', 1, 19, 'ARGUMENT_INVALID'],
    ['tx.count(duration("-5h")) > 0', 1, 19, 'ARGUMENT_INVALID'],
    ['tx.count("sideways", duration("720h")) > 0', 1, 10, 'ARGUMENT_INVALID'],
    ['tx.count({"colour": "red"}, duration("720h")) > 0', 1, 11, 'ARGUMENT_INVALID'],
    ['tx.count({"kind": "card", "kind": "fee"}, duration("720h")) > 0', 1, 35, 'ARGUMENT_INVALID'],
    ['consent("marketing", "pigeon")', 1, 22, 'ARGUMENT_INVALID'],
    ['party.birth_date < date("1950-02-30")', 1, 25, 'ARGUMENT_INVALID'],
    ['party.birth_date < date(party.region)', 1, 20, 'ARGUMENT_INVALID'],
    ['party.age + party.region > 3', 1, 13, 'TYPE_MISMATCH'],
    ['"a" + "b" == party.region', 1, 1, 'TYPE_MISMATCH'],
    ['party.age / 0 > 3', 1, 13, 'ARGUMENT_INVALID'],
    ['party.age % 2 == 0', 1, 1, 'FUNCTION_UNKNOWN'],
    ['party.age + 1', 1, 1, 'NOT_BOOLEAN'],
    ['size(party.age) > 3', 1, 6, 'TYPE_MISMATCH'],
    ['size([1, 2]) > 3', 1, 6, 'TYPE_MISMATCH'],
    ['list.has() && true', 1, 1, 'ARGUMENT_INVALID'],
    ['scheme.score("wealth") == "gold"', 1, 27, 'TYPE_MISMATCH'],
    ['party.region.matches("a.*")', 1, 1, 'FUNCTION_UNKNOWN'],
    ['party.age > 3 ? true : false', 1, 1, 'FUNCTION_UNKNOWN'],
    ['has(party.age)', 1, 1, 'FUNCTION_UNKNOWN'],
    ['[1].exists(a, a > 0)', 1, 4, 'FUNCTION_UNKNOWN'],
    ['party.age', 1, 1, 'NOT_BOOLEAN'],
    ['party.age && true', 1, 1, 'NOT_BOOLEAN'],
    ['!party.age', 1, 2, 'NOT_BOOLEAN'],
    ['3', 1, 1, 'NOT_BOOLEAN'],
    ['party.age >= ', 1, 11, 'SYNTAX'],
    ['party.age >= && 3', 1, 11, 'SYNTAX'],
    ["party.region == 'x'; DROP TABLE party", 1, 20, 'SYNTAX'],
    ['', 1, 1, 'SYNTAX'],
    [`${'('.repeat(40)}true${')'.repeat(40)}`, 1, 33, 'TOO_COMPLEX'],
    [`${'!'.repeat(2000)}true`, 1, 1, 'TOO_COMPLEX'],
    [Array.from({ length: 200 }, () => 'party.age>1').join('||'), 1, 1, 'TOO_COMPLEX'],
    [`party.region == "${'x'.repeat(5000)}"`, 1, 1, 'TOO_COMPLEX'],
  ])('%.60s', (text, line, column, reason) => {
    expect(problemOf(text)).toEqual({ line, column, reason });
  });
});

test.each([
  ['party.sex == "M"', 'sex is male'],
  ['30 <= party.age', 'age is at least 30'],
  [
    'holdings.count("loan") == 0 || holdings.count() > 3',
    'number of owned loans is 0 or number of owned holdings is more than 3',
  ],
  [
    'tx.count({"kind": "card"}, duration("720h")) >= 1.0',
    'number of transactions (card withdrawal, card payment) in the last 30 days is at least 1',
  ],
  ['tx.sum("credit", duration("36h")) > 5', 'sum of credits in the last 36 hours is more than 5'],
  [
    '!(consent("marketing", "email") && party.birth_date < date("1950-01-01"))',
    'not (consent to marketing by email and date of birth is less than 1950-01-01)',
  ],
  ['party.region in ["a", "b"] && (true || false)', 'region is one of a, b and (everybody or nobody)'],
  ['tx.last_days("debit") < 1', 'days since the last of all debits is less than 1'],
  ['party.branch.startsWith("P")', 'branch starts with P'],
  [
    'holdings.balance / (party.age + 1.0) >= 100 * 2',
    'balance of the owned accounts divided by (age plus 1) is at least 200',
  ],
  ['size(party.region) > 3', 'number of characters of region is more than 3'],
  ['scheme.group("wealth") == "gold"', 'group of wealth is gold'],
  ['list.has("vip") || segment.member("young")', 'on the list vip or in the segment young'],
])('%s reads as words', (text, words) => {
  const read = readRule(text);
  expect('rule' in read ? describeRule(read.rule) : read.problem).toBe(words);
});

test.each<[string, string[]]>([
  ['party.age > 3', ['party.age > 3']],
  [
    ' (party.age + 1) * 2 > 3\n && !( party.region in ["a)", \'b && c\'] )',
    ['(party.age + 1) * 2 > 3', 'party.region in ["a)", \'b && c\']'],
  ],
  [
    '((consent("marketing", "email"))) || 3 > (party.age - (1)) || true',
    ['consent("marketing", "email")', '3 > (party.age - (1))', 'true'],
  ],
  [
    'tx.count({"direction": "debit", "kind": "card"}, duration("720h")) >= 3 && party.region.startsWith("n")',
    ['tx.count({"direction": "debit", "kind": "card"}, duration("720h")) >= 3', 'party.region.startsWith("n")'],
  ],
])('the parts of %s know where they stand', (text, parts) => {
  const read = readRule(text);
  if ('problem' in read) throw new Error(read.problem.message);
  expect(leavesOf(read.rule).map(({ span }) => text.slice(span.start, span.end))).toEqual(parts);
});

test.each<[string, number | undefined, string]>([
  ['scheme.group("wealth") == "gold" && scheme.score("wealth") > 1', undefined, ''],
  ['party.age > 3 && scheme.score("wealht") > 1', 18, 'There is no scheme wealht'],
  ['party.age > 3 && scheme.group("wealth") == "glod"', 44, 'The scheme wealth has no group glod; it has basic, gold.'],
  ['"glod" != scheme.group("wealth")', 1, 'has no group glod'],
  ['scheme.group("wealth") in ["gold", "slver"]', 36, 'has no group slver'],
  ['scheme.group("wealth").startsWith("go")', undefined, ''],
  ['scheme.group("wealth").startsWith("gu")', 35, 'has no group gu'],
  ['scheme.group("ages") == "young"', undefined, ''],
  ['scheme.score("ages") > 1', 1, 'The scheme ages is a partition, which gives no scores.'],
  ['scheme.group("draft") == "gold"', 1, 'The scheme draft is not in use; publish it first.'],
])('of schemes, %s is refused at column %p', (text, column, message) => {
  const schemes = new Map([
    ['wealth', { groups: ['basic', 'gold'], scored: true }],
    ['ages', { groups: ['old', 'young'], scored: false }],
    ['draft', { groups: undefined, scored: true }],
  ]);
  const read = readRule(text, { schemes });
  expect('problem' in read ? read.problem.column : undefined).toBe(column);
  expect('problem' in read ? read.problem.message : '').toContain(message);
});

test('a rule that asks for a list that there is not is refused', () => {
  const lists = new Set(['vip']);
  expect(readRule('list.has("vip")', { lists })).toHaveProperty('rule');
  expect(readRule('party.age > 3 && !list.has("vpi")', { lists })).toMatchObject({
    problem: { reason: 'ARGUMENT_INVALID', column: 19 },
  });
});

describe('a rule that asks for another segment', () => {
  const ruleOf = (text: string): SegmentRule => {
    const read = readRule(text);
    if ('problem' in read) throw new Error(read.problem.message);
    return { rule: read.rule, text, version: 1, organisationPath: '/' };
  };
  const segments = new Map([
    ['young', ruleOf('party.age < 30')],
    ['wide', ruleOf('segment.member("young") || segment.member("mine")')],
  ]);

  test.each([
    ['party.age > 3 && segment.member("young")', undefined],
    ['party.age > 3 && segment.member("old")', 'No segment old is in use; publish it first, or mend its id.'],
    ['segment.member("wide")', 'The segment would ask for itself: mine → wide → mine.'],
    ['segment.member("mine")', 'The segment would ask for itself: mine → mine.'],
  ])('%s', (text, message) => {
    const read = readRule(text, { segments, self: 'mine' });
    expect('problem' in read ? read.problem.message : undefined).toBe(message);
  });
});

describe('readValue', () => {
  test.each([
    ['party.age', 'number'],
    ['holdings.count("loan")', 'number'],
    ['tx.sum("credit", duration("720h")) / 30', 'number'],
    ['party.region', 'string'],
    ['consent("marketing", "email")', 'bool'],
  ])('takes %s as a %s', (text, type) => {
    expect(readValue(text)).toMatchObject({ value: { type } });
  });

  test.each([
    ['party.shoe', 'ATTRIBUTE_UNKNOWN', 1],
    ['party.age > 3', 'TYPE_MISMATCH', 1],
    ['tx.sum("credit")', 'ARGUMENT_INVALID', 8],
    ['', 'SYNTAX', 1],
  ])('refuses %s as %s', (text, reason, column) => {
    expect(readValue(text)).toMatchObject({ problem: { reason, line: 1, column } });
  });
});
