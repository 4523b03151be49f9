import { type TierPlan, TierMatch } from '@rapport/proto/segmentation/v1';
import type { DayNumber } from '../rule/rule.js';

/** Where a party stands between two scans. */
export interface TierState {
  /** The place of its tier in the plan, from 1; 0 when it has none yet. */
  tier: number;
  /** Since when it is below what keeps it there; 0 when it is not. */
  belowFrom: DayNumber;
}

/** What a party has and brings; undefined is missing. */
export interface TierMeasures {
  assets: number | undefined;
  profit: number | undefined;
}

const DAY_MS = 86_400_000;

function time(day: DayNumber): number {
  return Date.UTC(Math.floor(day / 10_000), (Math.floor(day / 100) % 100) - 1, day % 100);
}

function meets(match: TierMatch, parts: readonly { from: number | undefined; has: number | undefined }[]): boolean {
  const asked = parts.filter(({ from }) => from !== undefined);
  const met = ({ from, has }: (typeof parts)[number]) => has !== undefined && has >= (from ?? 0);
  if (asked.length === 0) return true;
  return match === TierMatch.TIER_MATCH_ALL ? asked.every(met) : asked.some(met);
}

/** The highest place of which the test holds; the lowest tier takes everybody. */
function highest(most: number, holds: (place: number) => boolean): number {
  for (let place = most; place > 1; place -= 1) if (holds(place)) return place;
  return 1;
}

/**
 * Where a party stands after a day. It comes up at once into the highest tier whose entry it meets. It goes down only when
 * it was below what keeps it in its tier for `graceDays` days, into the highest tier that it may keep; whoever is back
 * before stays. Between the two thresholds of a tier nothing moves. Deciding again on the same day changes nothing.
 */
export function decideTier(
  plan: TierPlan,
  state: TierState,
  { assets, profit }: TierMeasures,
  day: DayNumber,
): TierState {
  const enters = (place: number): boolean => {
    const tier = plan.tiers[place - 1];
    return meets(plan.match, [
      { from: tier?.enterAssets, has: assets },
      { from: tier?.enterProfit, has: profit },
    ]);
  };
  const keeps = (place: number): boolean => {
    const tier = plan.tiers[place - 1];
    return meets(plan.match, [
      { from: tier?.keepAssets ?? tier?.enterAssets, has: assets },
      { from: tier?.keepProfit ?? tier?.enterProfit, has: profit },
    ]);
  };
  const up = highest(plan.tiers.length, enters);
  if (state.tier === 0 || up > state.tier) return { tier: up, belowFrom: 0 };
  const kept = highest(state.tier, keeps);
  if (kept === state.tier) return { tier: state.tier, belowFrom: 0 };
  const belowFrom = state.belowFrom === 0 ? day : state.belowFrom;
  if ((time(day) - time(belowFrom)) / DAY_MS >= plan.graceDays) return { tier: kept, belowFrom: 0 };
  return { tier: state.tier, belowFrom };
}
