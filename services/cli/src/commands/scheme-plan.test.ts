import { SchemePlan } from '@rapport/proto/segmentation/v1';
import { readPlan } from './scheme-plan.js';

const tiers = `
tiers:
  assets: holdings.balance
  match: TIER_MATCH_ANY
  grace_days: 90
  tiers:
    - group: { groupId: standard, title: Standard }
    - group: { group_id: gold, title: Gold, title_zh: 黄金 }
      enter_assets: 50000
      keepAssets: 40000.5
      privileges: [{ code: lounge, title: Lounge }]
`;

test('a plan is read from YAML, with keys of either spelling', () => {
  const plan = readPlan(tiers, 'plan.yaml');
  expect(plan.kind).toMatchObject({
    $case: 'tiers',
    value: {
      assets: 'holdings.balance',
      graceDays: 90,
      tiers: [
        { group: { groupId: 'standard' }, enterAssets: undefined },
        { group: { groupId: 'gold', titleZh: '黄金' }, enterAssets: 50_000, keepAssets: 40_000.5 },
      ],
    },
  });
  // What the command prints as JSON can be given back to it.
  expect(readPlan(JSON.stringify(SchemePlan.toJSON(plan)), 'plan.json')).toEqual(plan);
  expect(readPlan('rfm: {}', 'plan.yaml').kind?.$case).toBe('rfm');
  expect(readPlan('lookalike: { seed_rule: "true", features: [party.age], top: 15 }', 'a').kind).toMatchObject({
    value: { cut: { $case: 'top', value: 15n } },
  });
});

test('what is not understood is said, and where', () => {
  const refusals: [string, string][] = [
    [tiers.replace('grace_days', 'grace'), 'plan.yaml: tiers.grace: is not known here'],
    [tiers.replace('keepAssets: 40000.5', 'keepAssets: much'), 'tiers.tiers[1].keepAssets: "much" is not understood'],
    [tiers.replace('TIER_MATCH_ANY', 'any'), 'tiers.match: "any" is not understood'],
    ['tiers: {}\nrfm: {}', 'names exactly one of'],
    ['wealth: {}', 'names exactly one of'],
    ['just text', 'holds no plan'],
    ['rfm: {\n  recency: [', 'plan.yaml, line 2'],
    ['rfm: {}\nrfm: {}', 'plan.yaml, line 2'],
  ];
  for (const [text, message] of refusals) expect(() => readPlan(text, 'plan.yaml')).toThrow(message);
});
