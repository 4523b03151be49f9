import { sql } from '@rapport/kit/db';
import { HoldingKind } from '@rapport/proto/customer/v1';
import { type CountRulePartsResponse, RuleDoubtReason } from '@rapport/proto/segmentation/v1';
import fc from 'fast-check';
import { openSuite, type Suite } from '../segmentation.testkit.js';

let suite: Suite;

const text = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);

// 12 young women in the north, of whom 8 have a loan; 7 old men in the south, of whom one has an account with a booking.
beforeAll(async () => {
  suite = await openSuite();
  const { customer } = suite;
  for (let index = 0; index < 12; index += 1) {
    const party = await customer.person({ path: '/demo/north', born: 20000101, region: 'north' });
    if (index < 8) await customer.holding(party, HoldingKind.HOLDING_KIND_LOAN, { opened: 20260101 });
  }
  for (let index = 0; index < 7; index += 1) {
    const party = await customer.person({ path: '/demo/south', born: 19500101, woman: false, region: 'south' });
    if (index > 0) continue;
    const account = await customer.holding(party, HoldingKind.HOLDING_KIND_ACCOUNT);
    await customer.booking(account, { parties: [party], day: 20260301, cents: 100n });
  }
  await suite.settled();
  const operator = suite.as(['operator'], '/');
  const all = { parties: 19n, holdings: 9n, transactions: 1n };
  for (let facts = {}; JSON.stringify(facts, text) !== JSON.stringify(all, text); ) {
    const { facts: now } = await operator.getSegmentProgress({ organisationPath: '' });
    facts = { parties: now?.parties, holdings: now?.holdings, transactions: now?.transactions };
  }
}, 60_000);

afterAll(() => suite.close());

const asked = (rule: string, more: object = {}) => ({ rule, asOf: undefined, organisationPath: '', ...more });
const count = (rule: string, more: object = {}) => suite.insight(['marketer']).countRuleParts(asked(rule, more));
/** The parts as `depth count doubts`; a hidden count with `?`. */
const shown = ({ parts }: CountRulePartsResponse): string[] =>
  parts.map(({ depth, count: parties, hidden, doubts }) =>
    [depth, hidden ? '?' : parties, ...doubts.map(({ message }) => message)].join(' '),
  );

test('counts every part by itself', async () => {
  const answer = await count('party.sex == "female" && (holdings.count("loan") > 0 || !(party.age < 60))');
  expect(answer).toMatchObject({ population: 19n, smallestCount: 0, asOf: { year: 2026, month: 3, day: 15 } });
  expect(shown(answer)).toEqual(['0 8', '1 12', '1 15', '2 8', '2 7', '3 12']);
  expect(answer.parts.map(({ rule }) => rule).slice(3)).toEqual([
    'holdings.count("loan") > 0',
    '!(party.age < 60)',
    'party.age < 60',
  ]);
});

test.each<[string, string, string[]]>([
  [
    'a value that nobody has, with those that there are',
    'party.sex == "female" && party.region == "nroth"',
    ['0 0', '1 12', '1 0 Nobody in reach has a region that is "nroth". There are "north", "south".'],
  ],
  [
    'one of several that nobody has',
    'party.sex == "female" && party.region in ["north", "nroth"]',
    ['0 12', '1 12', '1 12 Nobody in reach has a region that is "nroth". There are "north", "south".'],
  ],
  [
    'a beginning that nobody has',
    'party.region.startsWith("we") || party.age > 60',
    ['0 7', '1 0 Nobody in reach has a region that starts with "we". There are "north", "south".', '1 7'],
  ],
  [
    'a window that begins before anything is known',
    'tx.count(duration("2160h")) > 0 && tx.count(duration("336h")) > 0',
    [
      '0 0',
      '1 1 It looks back to 2025-12-16, but the first transaction that is known is of 2026-03-01.',
      '1 0 Nobody in reach meets this: number of transactions in the last 14 days is more than 0.',
    ],
  ],
  [
    'what is known of nothing',
    'party.age > 60 && interaction.count(duration("24h")) == 0',
    ['0 7', '1 7', '1 19 No contact is known at all. Everybody in reach meets this: it leaves nobody out.'],
  ],
  [
    'what nobody meets',
    'party.age > 60 || holdings.count("card") > 0',
    ['0 7', '1 7', '1 0 Nobody in reach meets this: number of owned cards is more than 0.'],
  ],
])('doubts %s', async (_name, rule, expected) => {
  expect(shown(await count(rule))).toEqual(expected);
});

test('says the same in Chinese, and why as a code', async () => {
  const { parts } = await count('party.region == "nroth"');
  expect(parts[0]?.doubts).toMatchObject([
    {
      reason: RuleDoubtReason.RULE_DOUBT_REASON_VALUE_UNKNOWN,
      messageZh: '范围内没有客户的该项取值为"nroth"。现有取值："north"、"south"。',
    },
  ]);
});

test('looks only at parties in reach, and names only values of those', async () => {
  const south = await suite.insight(['marketer'], '/demo/south').countRuleParts(asked('party.region == "north"'));
  expect(south.population).toBe(7n);
  expect(shown(south)).toEqual(['0 0 Nobody in reach has a region that is "north". There are "south".']);
  expect(shown(await count('true', { organisationPath: '/demo/south' }))).toEqual(['0 7']);
  expect((await suite.insight(['marketer'], '/nowhere').countRuleParts(asked('true'))).population).toBe(0n);
});

test('hides what tells of few from whoever may not see the parties', async () => {
  const approver = suite.insight(['marketing_approver']);
  // 12 women, of whom 8 have a loan: each is enough, but not the four who are between them.
  const rule = 'party.sex == "female" && holdings.count("loan") > 0';
  expect(shown(await approver.countRuleParts(asked(rule)))).toEqual(['0 ?', '1 ?', '1 ?']);
  expect(shown(await approver.countRuleParts(asked('party.sex == "female" || party.region == "wrst"')))).toEqual([
    '0 12',
    '1 12',
    '1 0 Nobody in reach has a region that is "wrst". There are "north", "south".',
  ]);
});

test.each([
  ['an unsound rule', { rule: 'party.shoe > 3' }, 'RULE_INVALID'],
  ['a day that does not exist', { rule: 'true', asOf: { year: 2026, month: 2, day: 30 } }, 'DATE_INVALID'],
])('refuses %s', async (_name, more, reason) => {
  await expect(count('true', more)).rejects.toMatchObject({ reason });
});

test.each(['relationship_manager', 'call_centre_agent', 'privacy_officer'])('is not for a %s', async (role) => {
  await expect(suite.insight([role]).countRuleParts(asked('true'))).rejects.toMatchObject({
    reason: 'PERMISSION_DENIED',
  });
});

test('the count of the whole is that of a preview, for rules by chance', async () => {
  const analyst = suite.as(['analyst']);
  const leaf = fc.constantFrom('party.age > 30', 'party.sex == "male"', 'holdings.count() > 0', 'tx.last_days() < 90');
  const rules = fc.letrec<{ rule: string }>((tie) => ({
    rule: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'rule' },
      leaf,
      tie('rule').map((one) => `!(${one})`),
      fc.tuple(tie('rule'), fc.constantFrom('&&', '||'), tie('rule')).map(([a, op, b]) => `(${a}) ${op} (${b})`),
    ),
  })).rule;
  await fc.assert(
    fc.asyncProperty(rules, async (rule) => {
      if ((await analyst.checkRule({ rule })).problem) return;
      const preview = await analyst.previewSegment({ ...asked(rule), sampleSize: 0 });
      expect((await count(rule)).parts[0]?.count).toBe(preview.count);
    }),
    { numRuns: 15 },
  );
}, 60_000);

test('every call is in the audit', async () => {
  const calls = () =>
    suite.deps.db.system.one<{ n: bigint }>(sql`
      SELECT count(*) AS n FROM kit.audit WHERE action LIKE '%/CountRuleParts'`);
  const { n } = await calls();
  await count('true');
  expect((await calls()).n).toBe(n + 1n);
});
