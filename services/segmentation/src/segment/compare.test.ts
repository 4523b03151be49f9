import { uuidv7 } from '@rapport/kit/runtime';
import { HoldingKind } from '@rapport/proto/customer/v1';
import { RuleChangeKind, Step } from '@rapport/proto/segmentation/v1';
import fc from 'fast-check';
import { readRule, ruleText } from '../rule/rule.js';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { compareRules, type Written } from './compare-rules.js';

const {
  RULE_CHANGE_KIND_KEPT: kept,
  RULE_CHANGE_KIND_ADDED: added,
  RULE_CHANGE_KIND_REMOVED: removed,
  RULE_CHANGE_KIND_CHANGED: changed,
} = RuleChangeKind;

const written = (text: string): Written => {
  const read = readRule(text);
  if ('problem' in read) throw new Error(read.problem.message);
  return { rule: read.rule, text };
};
/** What a rule says, wherever it stands. */
const meant = (text: string): string =>
  JSON.stringify(written(text).rule, (key, value: unknown) => (key === 'span' ? undefined : value));
const compared = (before: string, after: string) =>
  compareRules(written(before), written(after)).map((one) => [one.kind, one.before, one.after, one.within.join('/')]);

describe('two rules side by side', () => {
  test('what is kept, added, removed and changed', () => {
    const old = 'party.age >= 60 && holdings.count("loan") == 0 && party.region == "north"';
    const fresh = 'holdings.count("loan") == 0 && party.age >= 65 && consent("marketing", "email")';
    expect(compared(old, fresh)).toEqual([
      [kept, 'number of owned loans is 0', 'number of owned loans is 0', 'and'],
      [changed, 'age is at least 60', 'age is at least 65', 'and'],
      [added, '', 'consent to marketing by email', 'and'],
      [removed, 'region is north', '', 'and'],
    ]);
  });

  test.each<[string, string, unknown[][]]>([
    ['party.age > 3', 'party.age  >  3', [[kept, 'age is more than 3', 'age is more than 3', '']]],
    ['party.age > 3', 'party.age > 4', [[changed, 'age is more than 3', 'age is more than 4', '']]],
    [
      'party.age > 3',
      'party.age > 3 && party.sex == "male"',
      [
        [kept, 'age is more than 3', 'age is more than 3', 'and'],
        [added, '', 'sex is male', 'and'],
      ],
    ],
    [
      '!(party.age > 3 || party.sex == "male")',
      '!(party.age > 3)',
      [
        [kept, 'age is more than 3', 'age is more than 3', 'not/or'],
        [removed, 'sex is male', '', 'not/or'],
      ],
    ],
    [
      'tx.sum("credit", duration("720h")) > 100',
      'tx.sum("credit", duration("2160h")) > 100',
      [
        [
          changed,
          'sum of credits in the last 30 days is more than 100',
          'sum of credits in the last 90 days is more than 100',
          '',
        ],
      ],
    ],
    [
      'party.age > 3 && party.sex == "male"',
      'holdings.count() > 1 || party.region == "x"',
      [
        [added, '', 'number of owned holdings is more than 1 or region is x', ''],
        [removed, 'age is more than 3 and sex is male', '', ''],
      ],
    ],
  ])('%s and %s', (before, after, expected) => {
    expect(compared(before, after)).toEqual(expected);
  });

  const atoms = fc.constantFrom(
    'party.age > 3',
    'party.age > 4',
    'party.sex == "male"',
    'party.region == "x"',
    'holdings.count() > 1',
  );
  const texts = fc.letrec<{ rule: string }>((tie) => ({
    rule: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'rule' },
      atoms,
      tie('rule').map((one) => `!(${one})`),
      fc.tuple(tie('rule'), tie('rule'), tie('rule')).map((all) => all.map((one) => `(${one})`).join(' && ')),
      fc.tuple(tie('rule'), tie('rule')).map((all) => all.map((one) => `(${one})`).join(' || ')),
    ),
  })).rule;

  test('with itself nothing differs; the other way round, what was added is removed', () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        // Rules that nobody could meet are refused before they could be compared.
        fc.pre([a, b].every((text) => 'rule' in readRule(text)));
        expect(compareRules(written(a), written(a)).every(({ kind }) => kind === kept)).toBe(true);
        // The text of a whole rule, put together from its parts, says the same.
        expect(meant(ruleText(written(a).rule, a))).toBe(meant(a));
        const there = compareRules(written(a), written(b));
        const count = (kind: RuleChangeKind, changes = there) => changes.filter((one) => one.kind === kind).length;
        const back = compareRules(written(b), written(a));
        // Something is said to differ exactly when it does; of a pair of different rules nothing is passed over.
        const same = there.every(({ kind }) => kind === kept);
        expect(back.every(({ kind }) => kind === kept)).toBe(same);
        expect(count(added) - count(removed)).toBe(count(removed, back) - count(added, back));
      }),
      { numRuns: 300 },
    );
  });
});

describe('in members', () => {
  let suite: Suite;
  let people: string[];

  beforeAll(async () => {
    suite = await openSuite();
    const { customer } = suite;
    people = [
      await customer.person({ path: '/demo/north', born: 19500101 }),
      await customer.person({ path: '/demo/north', born: 19630101 }),
      await customer.person({ path: '/demo/south', born: 19640101 }),
      await customer.person({ path: '/demo/south', born: 19660401 }),
      await customer.person({ path: '/demo/south', born: 20000101 }),
    ];
    await customer.holding(people[4] ?? '', HoldingKind.HOLDING_KIND_LOAN, { opened: 20260310 });
    await suite.settled();
    const marketer = suite.as(['marketer'], '/');
    await marketer.createSegment({
      segmentId: 'elders',
      title: 'Elders',
      organisationPath: '/demo',
      rule: 'party.age >= 62',
      asOf: undefined,
      requestId: uuidv7(),
    });
    await marketer.createSegmentVersion({
      parent: 'segments/elders',
      rule: 'party.age >= 70 || holdings.count("loan") > 0',
      asOf: undefined,
      requestId: uuidv7(),
    });
  }, 60_000);

  afterAll(() => suite.close());

  const request = (more: object = {}) => ({
    base: 'segments/elders@1',
    name: 'segments/elders@2',
    asOf: undefined,
    sampleSize: 10,
    ...more,
  });

  test('who comes and who leaves, within reach, on the day asked for', async () => {
    const answer = await suite.as(['marketing_approver'], '/demo').compareSegmentVersions(request());
    expect(answer).toMatchObject({
      baseCount: 3n,
      count: 2n,
      entering: 1n,
      leaving: 2n,
      enteringSample: [people[4]],
      leavingSample: [people[1], people[2]].sort(),
      asOf: { year: 2026, month: 3, day: 15 },
    });
    expect(answer.changes.map(({ beforeRule, afterRule }) => [beforeRule, afterRule])).toEqual([
      ['party.age >= 62', 'party.age >= 70'],
      ['', 'holdings.count("loan") > 0'],
    ]);
    const end = await suite.inRanges(3);
    const inRanges = await suite.as(['marketing_approver'], '/demo').compareSegmentVersions(request());
    end();
    expect({ ...inRanges, sqlMs: 0 }).toEqual({ ...answer, sqlMs: 0 });
    const north = await suite.as(['branch_manager'], '/').compareSegmentVersions(request({ sampleSize: 1 }));
    expect(north.leavingSample).toHaveLength(1);
    const before = await suite
      .as(['marketer'], '/demo')
      .compareSegmentVersions(request({ asOf: { year: 2026, month: 3, day: 9 } }));
    expect(before).toMatchObject({ entering: 0n, enteringSample: [], baseAsOf: { year: 2026, month: 3, day: 9 } });
    const elsewhere = suite.as(['marketer'], '/demo/north').compareSegmentVersions(request());
    await expect(elsewhere).rejects.toMatchObject({ reason: 'SEGMENT_NOT_FOUND' });
    const none = suite.as(['marketer'], '/demo').compareSegmentVersions(request({ name: 'segments/elders@3' }));
    await expect(none).rejects.toMatchObject({ reason: 'SEGMENT_NOT_FOUND' });
  });

  test('who would have come and left, step by step: each step is what a preview of its day counts', async () => {
    const analyst = suite.as(['analyst'], '/demo');
    const rule = 'party.age >= 62 || holdings.count("loan") > 0';
    const day = (number: number) => ({ year: 2026, month: 3, day: number });
    const ask = { rule, from: day(1), to: day(15), step: Step.STEP_DAY, organisationPath: '', sampleSize: 5 };
    const answer = await analyst.previewChanges(ask);
    expect(answer.steps).toHaveLength(15);
    let before = 0n;
    for (const [index, step] of answer.steps.entries()) {
      const preview = { rule, asOf: step.day, organisationPath: '', sampleSize: 0 };
      expect({ day: step.day, count: (await analyst.previewSegment(preview)).count }).toEqual({
        day: step.day,
        count: step.count,
      });
      if (index > 0) expect(step.count).toBe(before + step.entered - step.exited);
      before = step.count;
    }
    const end = await suite.inRanges(3);
    const inRanges = await analyst.previewChanges(ask);
    end();
    expect({ ...inRanges, sqlMs: 0 }).toEqual({ ...answer, sqlMs: 0 });
    expect(answer.steps.filter(({ entered }) => entered > 0n)).toMatchObject([{ day: day(10), entered: 1n }]);
    expect(answer.enteredSample).toEqual([people[4]]);
    const weeks = await analyst.previewChanges({ ...ask, step: Step.STEP_WEEK });
    expect(weeks.steps.map((step) => [step.day?.day, step.entered])).toEqual([
      [1, 0n],
      [8, 0n],
      [15, 1n],
    ]);
    const northern = await suite.as(['analyst'], '/demo/north').previewChanges(ask);
    expect(northern).toMatchObject({ enteredSample: [] });
    expect(northern.steps.at(-1)?.count).toBe(2n);
    for (const [more, reason] of [
      [{ to: day(1) }, 'PERIOD_INVALID'],
      [{ to: { year: 2026, month: 2, day: 27 } }, 'PERIOD_INVALID'],
      [{ to: { year: 2026, month: 6, day: 27 } }, 'PERIOD_INVALID'],
      [{ to: { year: 2026, month: 2, day: 30 } }, 'DATE_INVALID'],
      [{ rule: 'party.shoe > 1' }, 'RULE_INVALID'],
    ] as const) {
      await expect(analyst.previewChanges({ ...ask, ...more })).rejects.toMatchObject({ reason });
    }
  });
});
