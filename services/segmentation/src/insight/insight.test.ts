import { HoldingKind } from '@rapport/proto/customer/v1';
import { uuidv7 } from '@rapport/kit/runtime';
import type { Distribution } from '@rapport/proto/segmentation/v1';
import { openSuite, type Suite } from '../segmentation.testkit.js';

let suite: Suite;

// 12 young women in the north, 3 of whom have a loan; 6 old men in the south; one without a day of birth.
beforeAll(async () => {
  suite = await openSuite();
  const { customer } = suite;
  for (let index = 0; index < 12; index += 1) {
    const party = await customer.person({ path: '/demo/north', born: 20000101, region: 'north' });
    if (index < 3) await customer.holding(party, HoldingKind.HOLDING_KIND_LOAN, { opened: 20260101 });
  }
  for (let index = 0; index < 6; index += 1) {
    await customer.person({ path: '/demo/south', born: 19500101, woman: false, region: 'south' });
  }
  await customer.person({ path: '/demo/south', born: 0, woman: false, region: '' });
  await suite.settled();
}, 60_000);

afterAll(() => suite.close());

const describing = (more: object = {}) => ({
  rule: 'party.sex == "female"',
  asOf: undefined,
  organisationPath: '',
  breakdowns: [],
  ...more,
});
const breakdown = (attribute: string, bounds: number[] = []) => ({ attribute, bounds });
const overlapping = (more: object = {}) => ({ rule: '', segments: [], asOf: undefined, organisationPath: '', ...more });

/** The cells as `name count/population`; a hidden one with `?`. */
const cells = (distribution: Distribution | undefined): string[] =>
  (distribution?.cells ?? []).map(({ value, from, to, missing, rest, count, population, hidden }) => {
    const band = from === undefined && to === undefined ? '' : `${from ?? ''}..${to ?? ''}`;
    const name = missing ? 'missing' : rest ? 'rest' : value || band;
    return `${name} ${hidden ? '?' : `${count}/${population}`}`;
  });

const reasonOf = (answer: Promise<unknown>) =>
  answer.then(
    () => 'not refused',
    (error: { reason?: string; kind?: string }) => error.reason ?? error.kind,
  );

test('a bank in several ranges is told of as one in one', async () => {
  const insight = suite.insight(['marketer']);
  const rule = 'holdings.count("loan") >= 0 && party.age > 30';
  const asked = describing({
    rule,
    breakdowns: ['party.age', 'party.region', 'holdings.count("loan")'].map((one) => breakdown(one)),
  });
  const both = async () => [await insight.describeRule(asked), await insight.compareOverlap(overlapping({ rule }))];
  const whole = await both();
  const end = await suite.inRanges(4);
  const inRanges = await both();
  end();
  const counted = (answers: object[]) => answers.map((answer) => ({ ...answer, sqlMs: 0 }));
  expect(whole[0]).toMatchObject({ count: 6n, population: 19n });
  expect(counted(inRanges)).toEqual(counted(whole));
});

describe('describeRule', () => {
  test('gives the usual distributions beside those of all', async () => {
    const answer = await suite.insight(['marketer']).describeRule(describing());
    expect(answer).toMatchObject({ count: 12n, population: 19n, countHidden: false, smallestCount: 0 });
    expect(answer.distributions.map(({ attribute }) => attribute)).toEqual([
      'party.age',
      'party.sex',
      'party.region',
      'holdings.balance',
      'holdings.count()',
    ]);
    const [age, sex, region, , holdings] = answer.distributions;
    expect(cells(age).filter((cell) => !cell.endsWith(' 0/0'))).toEqual(['26..36 12/12', '76.. 0/6', 'missing 0/1']);
    expect(age?.cells).toHaveLength(9);
    expect(cells(sex)).toEqual(['female 12/12', 'male 0/7']);
    expect(cells(region)).toEqual(['north 12/12', 'south 0/6', 'missing 0/1']);
    expect(cells(holdings).slice(0, 2)).toEqual(['..1 9/16', '1..2 3/3']);
  });

  test('takes any value with bands of its own, and looks at any day', async () => {
    const marketer = suite.insight(['marketer']);
    const breakdowns = [breakdown('holdings.count("loan") * 10', [10]), breakdown('holdings.count() > 0 || true')];
    expect(await reasonOf(marketer.describeRule(describing({ breakdowns })))).toBe('RULE_INVALID');
    const now = await marketer.describeRule(describing({ breakdowns: breakdowns.slice(0, 1) }));
    expect(cells(now.distributions[0])).toEqual(['..10 9/16', '10.. 3/3']);
    const before = await marketer.describeRule(
      describing({ breakdowns: breakdowns.slice(0, 1), asOf: { year: 2025, month: 12, day: 31 } }),
    );
    expect(cells(before.distributions[0])).toEqual(['..10 12/19', '10.. 0/0']);
  });

  test('counts only parties in reach', async () => {
    const answer = await suite.insight(['marketer'], '/demo/south').describeRule(describing());
    expect(answer).toMatchObject({ count: 0n, population: 7n });
    const asked = await suite.insight(['marketer']).describeRule(describing({ organisationPath: '/demo/north' }));
    expect(asked).toMatchObject({ count: 12n, population: 12n });
  });

  test('hides what tells of few from whoever may not see the parties', async () => {
    const approver = suite.insight(['marketing_approver']);
    const answer = await approver.describeRule(
      describing({ breakdowns: [breakdown('holdings.count("loan")', [1]), breakdown('party.region')] }),
    );
    expect(answer).toMatchObject({ count: 12n, smallestCount: 5 });
    expect(cells(answer.distributions[0])).toEqual(['..1 ?', '1.. ?']);
    expect(cells(answer.distributions[1])).toEqual(['north 12/12', 'south ?', 'missing ?']);
    const few = await approver.describeRule(describing({ rule: 'holdings.count("loan") > 0' }));
    expect(few).toMatchObject({ count: 0n, countHidden: true });
    expect(few.distributions.flatMap((one) => one.cells).every((cell) => cell.hidden)).toBe(true);
  });

  test.each([
    ['an unsound rule', { rule: 'party.shoe > 3' }, 'RULE_INVALID'],
    ['an unknown attribute', { breakdowns: [breakdown('party.shoe')] }, 'RULE_INVALID'],
    ['bands that fall', { breakdowns: [breakdown('party.age', [3, 2])] }, 'BOUNDS_INVALID'],
    ['bands of a text', { breakdowns: [breakdown('party.region', [3])] }, 'BOUNDS_INVALID'],
    ['a day that does not exist', { asOf: { year: 2026, month: 2, day: 30 } }, 'DATE_INVALID'],
  ])('refuses %s', async (_name, more, reason) => {
    expect(await reasonOf(suite.insight(['marketer']).describeRule(describing(more)))).toBe(reason);
  });

  test.each([['relationship_manager'], ['call_centre_agent'], ['privacy_officer']])('is not for a %s', async (role) => {
    const answer = await reasonOf(suite.insight([role]).describeRule(describing()));
    expect(answer).toBe('PERMISSION_DENIED');
  });
});

describe('compareOverlap', () => {
  const segment = async (segmentId: string, rule: string, organisationPath = '/demo') => {
    const request = { segmentId, title: segmentId, organisationPath, rule, asOf: undefined, requestId: uuidv7() };
    await suite.as(['marketer']).createSegment(request);
    return `segments/${segmentId}`;
  };

  test('counts each group and every two in common', async () => {
    const women = await segment('women', 'party.sex == "female"');
    const indebted = await segment('indebted', 'holdings.count("loan") > 0');
    const south = await segment('south', 'party.age >= 0', '/demo/south');
    const answer = await suite
      .insight(['marketer'])
      .compareOverlap(overlapping({ rule: 'party.age < 60', segments: [women, `${indebted}@1`, south] }));
    expect(answer.population).toBe(19n);
    expect(answer.groups.map(({ segmentVersion, count }) => [segmentVersion, count])).toEqual([
      ['', 12n],
      ['segments/women@1', 12n],
      ['segments/indebted@1', 3n],
      ['segments/south@1', 6n],
    ]);
    expect(answer.pairs.map(({ first, second, both }) => [first, second, both])).toEqual([
      [0, 1, 12n],
      [0, 2, 3n],
      [0, 3, 0n],
      [1, 2, 3n],
      [1, 3, 0n],
      [2, 3, 0n],
    ]);
    const hidden = await suite
      .insight(['auditor'])
      .compareOverlap(overlapping({ segments: [women, indebted], rule: '' }));
    expect(hidden.groups.map((one) => [one.count, one.hidden])).toEqual([
      [12n, false],
      [0n, true],
    ]);
    expect(hidden.pairs).toEqual([{ first: 0, second: 1, both: 0n, hidden: true }]);
    expect(await suite.insight(['marketer']).compareOverlap(overlapping())).toMatchObject({ groups: [], pairs: [] });
  });

  test('does not show segments or parties out of reach', async () => {
    const north = suite.insight(['marketer'], '/demo/north');
    expect(await reasonOf(north.compareOverlap(overlapping({ segments: ['segments/women'] })))).toBe(
      'SEGMENT_NOT_FOUND',
    );
    expect(await reasonOf(north.compareOverlap(overlapping({ segments: ['segments/women@7'] })))).toBe(
      'SEGMENT_NOT_FOUND',
    );
    const answer = await north.compareOverlap(overlapping({ rule: 'party.age >= 0' }));
    expect(answer).toMatchObject({ population: 12n, groups: [{ count: 12n }] });
  });
});
