import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, openAnalytics } from '@rapport/kit/analytics';
import { TierMatch, type TierPlan } from '@rapport/proto/segmentation/v1';
import fc from 'fast-check';
import { decideTier, type TierMeasures, type TierState } from './decide.js';
import { tierSql } from './tier.js';

const thresholds = fc.option(
  fc.tuple(fc.integer({ min: 1, max: 50 }), fc.nat(20)).map(([keep, band]) => ({ keep, enter: keep + band })),
  { nil: undefined },
);
/** Plans whose thresholds rise from tier to tier. */
const plans: fc.Arbitrary<TierPlan> = fc
  .record({
    tiers: fc.array(fc.tuple(thresholds, thresholds), { minLength: 1, maxLength: 3 }),
    all: fc.boolean(),
    graceDays: fc.constantFrom(0, 1, 5, 30),
  })
  .map(({ tiers, all, graceDays }) => ({
    assets: 'holdings.balance',
    profit: 'holdings.balance',
    match: all ? TierMatch.TIER_MATCH_ALL : TierMatch.TIER_MATCH_ANY,
    graceDays,
    tiers: [[undefined, undefined] as const, ...tiers].map(([assets, profit], index) => ({
      group: { groupId: `t${index}`, title: '', titleZh: '' },
      // A tier above the lowest has a threshold of assets at least.
      enterAssets: index === 0 ? undefined : (assets?.enter ?? 30) + index * 100,
      keepAssets: index === 0 ? undefined : (assets?.keep ?? 25) + index * 100,
      enterProfit: profit && profit.enter + index * 100,
      keepProfit: profit && profit.keep + index * 100,
      privileges: [],
    })),
  }));
const amount = fc.option(fc.integer({ min: 0, max: 420 }), { nil: undefined });
const measures: fc.Arbitrary<TierMeasures> = fc.record({ assets: amount, profit: amount });
const days = [20240115, 20240116, 20240120, 20240229, 20240301, 20240331, 20240401, 20241231, 20250101];
const states: fc.Arbitrary<TierState> = fc
  .tuple(fc.nat(4), fc.constantFrom(0, 0, ...days.slice(0, 4)))
  .map(([tier, belowFrom]) => ({ tier, belowFrom: tier > 1 ? belowFrom : 0 }));
const within = (plan: TierPlan, state: TierState): TierState => ({
  ...state,
  tier: Math.min(state.tier, plan.tiers.length),
});

describe('the tier of a day', () => {
  test('a party that stays between what keeps it and what lifts it never moves', () => {
    fc.assert(
      fc.property(plans, states, fc.array(measures, { minLength: 1, maxLength: 20 }), (plan, start, walk) => {
        let state = decideTier(plan, within(plan, start), walk[0] ?? { assets: 0, profit: 0 }, 20240115);
        const held = walk.filter((one) => {
          const there = decideTier({ ...plan, graceDays: 0 }, { tier: state.tier, belowFrom: 0 }, one, 20240115);
          return there.tier === state.tier;
        });
        const { tier } = state;
        for (const one of held) {
          state = decideTier(plan, state, one, 20240201);
          expect(state).toEqual({ tier, belowFrom: 0 });
        }
      }),
    );
  });

  test('whatever a party does, it goes up on the day, and never down within the grace of its last good day', () => {
    const DAY = 86_400_000;
    const numberOf = (time: number) => Number(new Date(time).toISOString().slice(0, 10).replaceAll('-', ''));
    const steps = fc.array(fc.tuple(measures, fc.integer({ min: 1, max: 12 })), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(plans, steps, (plan, walk) => {
        let time = Date.UTC(2024, 0, 1);
        let state: TierState = { tier: 0, belowFrom: 0 };
        let good = time;
        for (const [has, wait] of walk) {
          time += wait * DAY;
          const day = numberOf(time);
          const entered = decideTier(plan, { tier: 0, belowFrom: 0 }, has, day).tier;
          const before = state;
          state = decideTier(plan, state, has, day);
          expect(state.tier).toBeGreaterThanOrEqual(entered);
          if (before.tier !== 0 && entered > before.tier) expect(state).toEqual({ tier: entered, belowFrom: 0 });
          // Grace counts from the first day on which it was seen below: no earlier than the day after the last good one.
          if (state.tier < before.tier)
            expect(time - good).toBeGreaterThanOrEqual((plan.graceDays + (plan.graceDays > 0 ? 1 : 0)) * DAY);
          if (state.belowFrom === 0) good = time;
        }
      }),
    );
  });

  test('nobody goes down before the grace is over, and whoever is back in time stays', () => {
    const plan: TierPlan = {
      assets: 'holdings.balance',
      profit: '',
      match: TierMatch.TIER_MATCH_ANY,
      graceDays: 30,
      tiers: [{}, { enterAssets: 100, keepAssets: 80 }, { enterAssets: 1000, keepAssets: 800 }].map((one, index) => ({
        group: { groupId: `t${index}`, title: '', titleZh: '' },
        enterAssets: undefined,
        keepAssets: undefined,
        enterProfit: undefined,
        keepProfit: undefined,
        privileges: [],
        ...one,
      })),
    };
    const day = (state: TierState, assets: number, on: number) => decideTier(plan, state, { assets, profit: 0 }, on);
    let state = day({ tier: 0, belowFrom: 0 }, 1000, 20240101);
    expect(state).toEqual({ tier: 3, belowFrom: 0 });
    expect(day(state, 800, 20240102)).toEqual(state);
    state = day(state, 799, 20240103);
    expect(state).toEqual({ tier: 3, belowFrom: 20240103 });
    state = day(state, 500, 20240201); // 29 days
    expect(state).toEqual({ tier: 3, belowFrom: 20240103 });
    expect(day(state, 800, 20240202)).toEqual({ tier: 3, belowFrom: 0 });
    // Down into the tier that it may keep, not the one that it would enter.
    expect(day(state, 90, 20240202)).toEqual({ tier: 2, belowFrom: 0 });
    expect(day(state, 79, 20240202)).toEqual({ tier: 1, belowFrom: 0 });
    expect(day({ tier: 1, belowFrom: 0 }, 99, 20240203)).toEqual({ tier: 1, belowFrom: 0 });
  });

  test('deciding again on the same day changes nothing, also when only the tier was written down', () => {
    fc.assert(
      fc.property(plans, states, measures, fc.constantFrom(...days.slice(4)), (plan, start, has, day) => {
        const before = within(plan, start);
        const after = decideTier(plan, before, has, day);
        expect(decideTier(plan, after, has, day)).toEqual(after);
        expect(decideTier(plan, { ...before, tier: after.tier }, has, day)).toEqual(after);
      }),
    );
  });
});

describe('in ClickHouse', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tiers-'));
  let analytics: Analytics;
  beforeAll(() => {
    analytics = openAnalytics({ path: folder });
  });
  afterAll(async () => {
    await analytics.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('it is the same for every plan, state and party', async () => {
    const party = fc.tuple(states, measures);
    const walk = fc.tuple(plans, fc.constantFrom(...days.slice(3)), fc.array(party, { minLength: 40, maxLength: 40 }));
    await fc.assert(
      fc.asyncProperty(walk, async ([plan, day, parties]) => {
        const standing = parties.map(([state, has]) => ({ ...within(plan, state), ...has }));
        const { place, below, parameters } = tierSql(plan);
        const found = await analytics.query<{ tier: number; belowFrom: number }>(
          `SELECT ${place} AS tier, ${below} AS belowFrom FROM (
            SELECT one, {tiers:Array(Int32)}[one] AS old_place, {belows:Array(Int32)}[one] AS below_from,
              {assets:Array(Nullable(Float64))}[one] AS m0, {profits:Array(Nullable(Float64))}[one] AS m1
            FROM (SELECT toUInt32(number + 1) AS one FROM numbers(${parties.length}))) ORDER BY one`,
          {
            ...parameters,
            day,
            tiers: standing.map(({ tier }) => tier),
            belows: standing.map(({ belowFrom }) => belowFrom),
            assets: standing.map(({ assets }) => assets ?? null),
            profits: standing.map(({ profit }) => profit ?? null),
          },
        );
        const expected = standing.map(({ tier, belowFrom, ...has }) => decideTier(plan, { tier, belowFrom }, has, day));
        expect(found.map((one) => ({ tier: Number(one.tier), belowFrom: Number(one.belowFrom) }))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
