import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAnalytics } from '@rapport/kit/analytics';
import { attributes, attributeMessage, findAttribute } from '../catalogue/catalogue.js';
import { factTables } from '../fact/fact.js';
import { CatalogueFileError, compileRules, declareCatalogue, describeRule, isDated, readRule } from './rule.js';

afterEach(() => {
  declareCatalogue('attributes: []', 'nothing.yaml');
});

const example = readFileSync(join(__dirname, '../../catalogue.example.yaml'), 'utf8');

test('the example is taken, and its attributes are described as the others are', () => {
  expect(declareCatalogue(example, 'catalogue.example.yaml')).toBe(5);
  const share = findAttribute('bank.groceries_share');
  expect(share && attributeMessage(share)).toMatchObject({
    titleEn: 'Share of groceries',
    titleZh: '日用消费占比',
    unit: 'share',
    unitZh: '比例',
    missing: true,
    dated: true,
    definition: expect.stringContaining('tx.sum('),
    sources: ['rapport.customer.v1.TransactionBooked', 'rapport.customer.v1.TransactionRecategorised'],
  });
  expect(attributes().map(({ key }) => key)).toEqual(expect.arrayContaining(['bank.digital', 'party.age']));
});

test('what the bank declared is asked for in rules, checked like the rest', () => {
  declareCatalogue(example, 'catalogue.example.yaml');
  const read = readRule('bank.digital && bank.salary > 20000 && bank.occupation in ["teacher", "student"]');
  if ('problem' in read) throw new Error(read.problem.message);
  expect(describeRule(read.rule)).toBe(
    'digital customer and monthly salary is more than 20000 and occupation is one of teacher, student',
  );
  expect(isDated(read.rule)).toBe(true);
  const wrong = readRule('bank.occupation == "techer"');
  expect(wrong).toMatchObject({ problem: { reason: 'ARGUMENT_INVALID', column: 20 } });
  expect(readRule('bank.salary < 0')).toMatchObject({ problem: { reason: 'IMPOSSIBLE' } });
  expect(readRule('bank.shoes == 4')).toMatchObject({ problem: { reason: 'ATTRIBUTE_UNKNOWN' } });
});

test('what is declared means what it is made of', async () => {
  declareCatalogue(example, 'catalogue.example.yaml');
  const folder = mkdtempSync(join(tmpdir(), 'segmentation-declared-'));
  const analytics = openAnalytics({ path: folder });
  await analytics.ensure(factTables);
  const party = (number: number) => `00000000-0000-7000-8000-00000000000${number}`;
  const common = { organisation_path: '/demo', version: 1 };
  await analytics.insert(
    'party',
    [1, 2, 3].map((number) => ({ ...common, party: party(number), kind: 'person', manager: '' })),
  );
  const booking = { ...common, booking_date: 20240301, owner: true, holding_kind: 'account', sequence: 1 };
  const spent = (number: number, nth: number, category: string, amount: string) => ({
    ...booking,
    party: party(number),
    transaction: party(nth),
    holding: party(number),
    direction: 'debit',
    operation: 'card_payment',
    category,
    channel: 'app',
    amount,
  });
  await analytics.insert('booked_transaction', [
    spent(1, 4, 'groceries', '30.00'),
    spent(1, 5, 'travel', '70.00'),
    spent(1, 6, 'travel', '20.00'),
    spent(2, 7, 'travel', '20.00'),
  ]);
  const time = new Date('2024-01-01T00:00:00Z');
  const tag = {
    party: party(2),
    source: 'import',
    reference: 'crm',
    time,
    held_until: new Date('2299-12-31T00:00:00Z'),
  };
  await analytics.insert('tag', [{ ...tag, definition: 'occupation-teacher', version: 1 }]);
  const taken = async (text: string) => {
    const read = readRule(text);
    if ('problem' in read) throw new Error(read.problem.message);
    const { from, conditions, parameters } = compileRules([{ rule: read.rule, asOf: 20240331 }], 'Europe/Prague');
    const rows = await analytics.query<{ number: string }>(
      `SELECT right(toString(p.party), 1) AS number FROM ${from} WHERE ${conditions[0]} ORDER BY number`,
      parameters,
    );
    return rows.map(({ number }) => Number(number));
  };
  expect(await taken('bank.groceries_share >= 0.25')).toEqual([1]);
  expect(await taken('bank.groceries_share >= 0')).toEqual([1, 2]);
  // Of nothing spent there is no share.
  expect(await taken('!(bank.groceries_share >= 0)')).toEqual([3]);
  expect(await taken('bank.digital')).toEqual([1]);
  expect(await taken('bank.occupation == "teacher"')).toEqual([2]);
  await analytics.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const one = (lines: string[], key = 'bank.one') =>
  [
    'attributes:',
    `  - key: ${key}`,
    '    title: { en: One, zh: 一 }',
    '    description: { en: One thing., zh: 一件事。 }',
    '    data_class: C1',
    ...lines.map((line) => `    ${line}`),
  ].join('\n');

test.each([
  ['attributes: [', 'x.yaml:1:14:'],
  ['attributes: 3', 'x.yaml:1:13: attributes:'],
  [one(['value: party.age', 'colour: red']), 'x.yaml:2:5: attributes.0:'],
  [one(['value: party.shoe_size']), 'x.yaml:6:12: bank.one: at line 1, column 1 of its value: party.shoe_size is no'],
  [one(['value: party.age + party.region']), 'x.yaml:6:12: bank.one: at line 1, column 13 of its value: A string'],
  [one(['value: party.age < 0']), 'x.yaml:6:12: bank.one: at line 1, column 1 of its value: No party can meet'],
  [one(['value: segment.member("young")']), 'x.yaml:6:12: bank.one: an attribute is not made of a segment'],
  [one(['value: party.age', 'values: [a]']), 'x.yaml:7:13: bank.one: only a text has values, not a number'],
  [one(['value: party.age'], 'party.shoe'), 'x.yaml:2:10: party.shoe: party is a word of the service'],
  [one(['value: party.age'], 'party.age'), 'x.yaml:2:10: party.age: party.age is taken'],
  [one(['value: party.age'], 'bank'), 'x.yaml:2:10: attributes.0.key: is written like bank.salary'],
  [one(['value: bank.two + 1']), 'x.yaml:6:12: bank.one: at line 1, column 1 of its value: bank.two is no attribute.'],
])('a file with a fault is refused with its place: %#', (text, message) => {
  declareCatalogue(example, 'catalogue.example.yaml');
  expect(() => declareCatalogue(text, 'x.yaml')).toThrow(CatalogueFileError);
  expect(() => declareCatalogue(text, 'x.yaml')).toThrow(message);
});
