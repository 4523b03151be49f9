import { planDifferences } from './plan-difference.js';

const tiers = (gold: number, more: object[] = []) => ({
  tiers: {
    assets: 'holdings.balance',
    graceDays: 90,
    tiers: [
      { group: { groupId: 'basic', title: 'Basic', titleZh: '' }, privileges: [] },
      ...more,
      { group: { groupId: 'gold', title: 'Gold', titleZh: '黄金' }, enterAssets: gold, privileges: [] },
    ],
  },
});

test('plans that say the same do not differ', () => {
  expect(planDifferences(tiers(1), tiers(1))).toEqual([]);
});

test('a group put in between changes no other one', () => {
  const silver = { group: { groupId: 'silver', title: 'Silver', titleZh: '' }, enterAssets: 5 };
  expect(planDifferences(tiers(10), tiers(20, [silver]))).toEqual([
    { path: 'tiers.tiers.silver.group.groupId', before: '', after: 'silver' },
    { path: 'tiers.tiers.silver.group.title', before: '', after: 'Silver' },
    { path: 'tiers.tiers.silver.enterAssets', before: '', after: '5' },
    { path: 'tiers.tiers.gold.enterAssets', before: '10', after: '20' },
  ]);
  expect(planDifferences(tiers(20, [silver]), tiers(20)).map(({ path, after }) => [path, after])).toEqual([
    ['tiers.tiers.silver.group.groupId', ''],
    ['tiers.tiers.silver.group.title', ''],
    ['tiers.tiers.silver.enterAssets', ''],
  ]);
});
