import { uuidv7 } from '@rapport/kit/runtime';
import { HoldingKind } from '@rapport/proto/customer/v1';
import type { SegmentTemplate } from '@rapport/proto/segmentation/v1';
import { openSuite, type Suite } from '../segmentation.testkit.js';

let suite: Suite;

beforeAll(async () => {
  suite = await openSuite();
  const { customer } = suite;
  const regions = ['north', 'north', 'O\'Neil \\ "south"', '布拉格', ''];
  for (const [index, region] of regions.entries()) {
    const party = await customer.person({ path: `/demo/${index % 2}`, region, born: 19400101 + index * 150_000 });
    const account = await customer.holding(party, HoldingKind.HOLDING_KIND_ACCOUNT);
    const balance = BigInt(index) * 3_000_000n;
    await customer.booking(account, { parties: [party], day: 20260301, cents: 100n, balance });
  }
  await customer.person({ path: '/demo/0', born: 0, region: '' });
  await suite.settled();
}, 60_000);

afterAll(() => suite.close());

const schemes = () => suite.schemes(['marketer'], '/demo');
const analyst = () => suite.as(['analyst'], '/demo');

async function all(): Promise<SegmentTemplate[]> {
  return (await analyst().listSegmentTemplates({ pageSize: 0, pageToken: '' })).templates;
}

test('the five families come in both languages and in pages', async () => {
  const found = await all();
  expect(found.map(({ name }) => name.slice('segmentTemplates/'.length))).toEqual([
    'age-bands',
    'wealth-tiers',
    'occupation',
    'region',
    'value-activity',
  ]);
  for (const { title, titleZh, description, descriptionZh, parameters } of found) {
    for (const english of [title, description, ...parameters.map((one) => one.title)]) {
      expect(english).toMatch(/^[\x20-\x7e]+$/);
    }
    for (const chinese of [titleZh, descriptionZh, ...parameters.map((one) => one.titleZh)]) {
      expect(chinese).toMatch(/\p{Script=Han}/u);
    }
  }
  const page = await analyst().listSegmentTemplates({ pageSize: 3, pageToken: '' });
  const rest = await analyst().listSegmentTemplates({ pageSize: 3, pageToken: page.nextPageToken });
  expect([...page.templates, ...rest.templates]).toEqual(found);
  expect(rest.nextPageToken).toBe('');
});

test('each makes a plan that takes everybody once, as it stands, and a scheme', async () => {
  for (const { name } of await all()) {
    const { plan } = await analyst().renderSegmentTemplate({ name, parameters: [] });
    const check = await schemes().checkScheme({ plan, organisationPath: '/demo', asOf: undefined });
    expect({ name, problems: check.problems }).toEqual({ name, problems: [] });
    if (name.endsWith('wealth-tiers')) continue;
    expect(check).toMatchObject({ uncovered: 0n, overlapping: 0n });
    expect(check.counts.reduce((sum, { parties }) => sum + parties, 0n)).toBe(6n);
    const schemeId = name.slice('segmentTemplates/'.length);
    const more = { title: schemeId, organisationPath: '/demo', plan, requestId: uuidv7() };
    expect((await schemes().createScheme({ schemeId, ...more })).scheme?.name).toBe(`schemes/${schemeId}`);
  }
});

test('regions are those of the bank, the most frequent first, among the parties that the caller may see', async () => {
  const name = 'segmentTemplates/region';
  const titles = async (client: ReturnType<Suite['as']>, parameters: { key: string; values: string[] }[] = []) => {
    const { plan } = await client.renderSegmentTemplate({ name, parameters });
    if (plan?.kind?.$case !== 'rules') throw new Error('these are no rules');
    return plan.kind.value.groups.map(({ group, rule }) => [group?.groupId, group?.title, rule]);
  };
  expect(await titles(analyst())).toEqual([
    ['region-1', 'north', 'party.region == "north"'],
    ['region-2', `O'Neil \\ "south"`, 'party.region == "O\'Neil \\\\ \\"south\\""'],
    ['region-3', '布拉格', 'party.region == "布拉格"'],
  ]);
  expect(await titles(suite.as(['analyst'], '/demo/1'))).toHaveLength(2);
  expect(await titles(analyst(), [{ key: 'regions', values: ['west'] }])).toEqual([
    ['region-1', 'west', 'party.region == "west"'],
  ]);
});

test('what is set is in the plan, and what cannot be is refused by name', async () => {
  const name = 'segmentTemplates/wealth-tiers';
  const render = (parameters: { key: string; values: string[] }[], template = name) =>
    analyst().renderSegmentTemplate({ name: template, parameters });
  const { plan } = await render([
    { key: 'gold', values: ['75000.5'] },
    { key: 'grace', values: ['30'] },
  ]);
  expect(plan?.kind).toMatchObject({
    $case: 'tiers',
    value: { graceDays: 30, tiers: [{}, { enterAssets: 75000.5, keepAssets: 40000 }, {}, {}] },
  });
  const refused: [Promise<unknown>, string, RegExp][] = [
    [render([{ key: 'gold', values: ['much'] }]), 'PARAMETER_INVALID', /gold/],
    [render([{ key: 'gold', values: ['1', '2'] }]), 'PARAMETER_INVALID', /gold/],
    [render([{ key: 'golden', values: ['1'] }]), 'PARAMETER_INVALID', /golden/],
    [render([{ key: 'gold', values: ['1) || (true'] }]), 'PARAMETER_INVALID', /gold/],
    [render([], 'segmentTemplates/nothing'), 'TEMPLATE_NOT_FOUND', /^$/],
  ];
  for (const [answer, reason, field] of refused) {
    const failure = (await answer.catch((error: unknown) => error)) as {
      reason: string;
      violations: { field: string }[];
    };
    expect(failure.reason).toBe(reason);
    expect(failure.violations[0]?.field ?? '').toMatch(field);
  }
});
