import type { Parameter } from '@rapport/kit/analytics';
import { TierMatch, type TierPlan } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { partyRanges } from '../membership/membership.js';
import type { DayNumber } from '../rule/rule.js';
import {
  type Found,
  measure,
  RANGED,
  type Scan,
  type ScannedScheme,
  scanVersion,
  storeAssigned,
} from '../scan/scan.js';
import { keepTiers, restoreTiers } from './history.js';

export { restoreTiers } from './history.js';

/** The decision of `decideTier` in SQL, over the numbers `m0` (assets) and `m1` (profit), `old_place` and `below_from`. */
export function tierSql(plan: TierPlan): { place: string; below: string; parameters: Record<string, Parameter> } {
  const parameters: Record<string, Parameter> = { grace_days: plan.graceDays };
  const join = plan.match === TierMatch.TIER_MATCH_ALL ? ' AND ' : ' OR ';
  const meets = (name: string, from: Record<'m0' | 'm1', number | undefined>): string => {
    const parts = (['m0', 'm1'] as const).flatMap((column) => {
      if (from[column] === undefined) return [];
      parameters[`${name}_${column}`] = from[column];
      return [`ifNull(${column} >= {${name}_${column}:Float64}, 0)`];
    });
    return `(${parts.length > 0 ? parts.join(join) : '1'})`;
  };
  const places = plan.tiers.map((_, index) => index + 1).filter((place) => place > 1);
  const highest = (condition: (place: number) => string): string =>
    `multiIf(${[...places]
      .reverse()
      .flatMap((place) => [condition(place), place])
      .join(', ')}, 1)`;
  const up = highest((place) => {
    const tier = plan.tiers[place - 1];
    return meets(`enter${place}`, { m0: tier?.enterAssets, m1: tier?.enterProfit });
  });
  const kept = highest((place) => {
    const tier = plan.tiers[place - 1];
    const from = { m0: tier?.keepAssets ?? tier?.enterAssets, m1: tier?.keepProfit ?? tier?.enterProfit };
    return `old_place >= ${place} AND ${meets(`keep${place}`, from)}`;
  });
  const since = 'if(below_from = 0, {day:Int32}, below_from)';
  const over = `dateDiff('day', YYYYMMDDToDate32(${since}), YYYYMMDDToDate32({day:Int32})) >= {grace_days:Int32}`;
  return {
    place: `multiIf(old_place = 0 OR ${up} > old_place, ${up}, ${kept} = old_place, old_place, ${over}, ${kept}, old_place)`,
    below: `multiIf(old_place = 0 OR ${up} > old_place, 0, ${kept} = old_place, 0, ${over}, 0, ${since})`,
    parameters,
  };
}

/** Every party with its numbers, its place so far, and since when it is below. */
async function standing(deps: Deps, row: ScannedScheme, plan: TierPlan, day: DayNumber) {
  const numbers = plan.profit === '' ? [plan.assets] : [plan.assets, plan.profit];
  const { text, parameters } = await measure(deps, row, { numbers, day });
  // Named one by one: beside two joins a star gives other names.
  const measured = numbers.map((_, index) => `n.m${index} AS m${index}`).join(', ');
  return {
    text: `SELECT n.party AS party, n.path AS path, n.manager AS manager, n.old_group AS old_group, n.old_score AS old_score, ${measured}, toInt32(indexOf({tier_ids:Array(String)}, n.old_group)) AS old_place, w.below AS below_from,
        s.moved AS moved_today
      FROM (${text}) AS n LEFT ANY JOIN (
        SELECT party, argMax(below_from, (from_date, version)) AS below
        FROM (SELECT * FROM tier_watch FINAL WHERE scheme = {scheme_id:String} AND from_date <= {day:Int32}${RANGED})
        GROUP BY party) AS w ON n.party = w.party
      LEFT ANY JOIN (
        SELECT party, 1 AS moved
        FROM (SELECT * FROM assigned FINAL WHERE scheme = {scheme_id:String} AND from_date <= {day:Int32}${RANGED})
        GROUP BY party HAVING max(from_date) = {day:Int32} AND count() > 1) AS s ON n.party = s.party`,
    parameters: { ...parameters, tier_ids: plan.tiers.map(({ group }) => group?.groupId ?? '') },
  };
}

/** The tier of every party for the day, decided from the tiers in force; and since when each is below what keeps it. */
export async function findTiers(
  deps: Deps,
  row: ScannedScheme,
  plan: TierPlan,
  { day, progress }: Pick<Scan, 'day' | 'progress'>,
): Promise<{ found: Found; below: string }> {
  const { text, parameters } = await standing(deps, row, plan, day);
  const decided = tierSql(plan);
  await progress('ASSIGNING');
  return {
    found: {
      text,
      parameters: { ...parameters, ...decided.parameters },
      // Who has changed tier today does not change again: of a day one change is told.
      group: `{tier_ids:Array(String)}[if(moved_today = 1, old_place, ${decided.place})]`,
      score: 'm0',
    },
    below: decided.below,
  };
}

/**
 * Decides the tier of every party for the day in ClickHouse, keeps every change in Postgres and tells of it, if it is to
 * be told. Deciding again on the same day changes nothing, and a change is told once, so that a kill at any point costs a
 * repetition. Gives how many changed.
 */
export async function assignTiers(
  deps: Deps,
  row: ScannedScheme,
  plan: TierPlan,
  scan: Scan & { told: boolean },
): Promise<bigint> {
  await restoreTiers(deps, row, scan);
  const { found, below } = await findTiers(deps, row, plan, scan);
  const changed = await storeAssigned(deps, found, scan.signal);
  // After the tiers, which depend on it: deciding again in the tier that was decided gives the same.
  for (const range of await partyRanges(deps.analytics)) {
    scan.signal.throwIfAborted();
    await deps.analytics.command(
      `INSERT INTO tier_watch (party, scheme, from_date, below_from, version)
        SELECT party, {scheme_id:String}, {day:Int32}, new_below, {version:UInt64}
        FROM (SELECT party, below_from, ${below} AS new_below FROM (${found.text})) WHERE new_below != below_from
        SETTINGS max_threads = 2`,
      { ...found.parameters, version: scanVersion(), ...range },
    );
  }
  await keepTiers(deps, row, plan, scan);
  return changed;
}
