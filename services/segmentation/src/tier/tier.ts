import type { Parameter } from '@rapport/kit/analytics';
import { everything, sql } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { TierChanged, TierDirection, TierMatch, type TierPlan } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { measure, type Scan, type ScannedScheme, scanVersion, storeAssigned } from '../scan/scan.js';
import { dateMessage, dateText } from '../segment/segment.js';

/** Changes in one transaction. */
const SLICE = 2000;

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
async function standing(deps: Deps, row: ScannedScheme, plan: TierPlan, scan: Scan) {
  const numbers = plan.profit === '' ? [plan.assets] : [plan.assets, plan.profit];
  const { text, parameters } = await measure(deps, row, { numbers, day: scan.day });
  // Named one by one: beside two joins a star gives other names.
  const measured = numbers.map((_, index) => `n.m${index} AS m${index}`).join(', ');
  return {
    text: `SELECT n.party AS party, n.old_group AS old_group, n.old_score AS old_score, ${measured}, toInt32(indexOf({tier_ids:Array(String)}, n.old_group)) AS old_place, w.below AS below_from,
        s.moved AS moved_today
      FROM (${text}) AS n LEFT ANY JOIN (
        SELECT party, argMax(below_from, (from_date, version)) AS below
        FROM (SELECT * FROM tier_watch FINAL WHERE scheme = {scheme_id:String} AND from_date <= {day:Int32})
        GROUP BY party) AS w ON n.party = w.party
      LEFT ANY JOIN (
        SELECT party, 1 AS moved
        FROM (SELECT * FROM assigned FINAL WHERE scheme = {scheme_id:String} AND from_date <= {day:Int32})
        GROUP BY party HAVING max(from_date) = {day:Int32} AND count() > 1) AS s ON n.party = s.party`,
    parameters: { ...parameters, tier_ids: plan.tiers.map(({ group }) => group?.groupId ?? '') },
  };
}

interface ChangeRow {
  id: string;
  path: string;
  manager: string;
  from_tier: string;
  to_tier: string;
}

/** Tells of every change of the day that was not told yet, some at a time. */
async function tellChanges(deps: Deps, row: ScannedScheme, plan: TierPlan, { day, signal }: Scan): Promise<void> {
  const ids = plan.tiers.map(({ group }) => group?.groupId ?? '');
  let after = '00000000-0000-0000-0000-000000000000';
  for (let full = true; full; ) {
    const changes = await deps.analytics.query<ChangeRow>(
      `SELECT toString(c.party) AS id, p.organisation_path AS path, p.manager AS manager, c.from_tier AS from_tier,
        c.to_tier AS to_tier
      FROM (SELECT party, argMaxIf(\`group\`, (from_date, version), from_date < {day:Int32}) AS from_tier,
          argMaxIf(\`group\`, (from_date, version), from_date = {day:Int32}) AS to_tier
        FROM (SELECT * FROM assigned FINAL WHERE scheme = {scheme:String} AND from_date <= {day:Int32}
          AND party > {after:UUID})
        GROUP BY party HAVING max(from_date) = {day:Int32} AND has({ids:Array(String)}, from_tier) AND from_tier != to_tier
        ORDER BY party LIMIT {slice:UInt32}) AS c
      INNER JOIN (SELECT * FROM party FINAL) AS p ON c.party = p.party ORDER BY c.party`,
      { day, scheme: row.scheme_id, after, ids, slice: SLICE },
      { signal },
    );
    full = changes.length === SLICE;
    after = changes.at(-1)?.id ?? after;
    if (changes.length === 0) return;
    await deps.db.transaction(everything, async (tx) => {
      const told = await tx.rows<{ party_id: string }>(sql`
        INSERT INTO tier_change (party_id, scheme_id, version, day, from_tier, to_tier, organisation_path, manager)
        SELECT party, ${row.scheme_id}, ${row.version}, ${dateText(day)}::date, from_tier, to_tier, path, manager
        FROM unnest(${changes.map(({ id }) => id)}::uuid[], ${changes.map((one) => one.from_tier)}::text[],
          ${changes.map((one) => one.to_tier)}::text[], ${changes.map(({ path }) => path)}::text[],
          ${changes.map(({ manager }) => manager)}::text[]) AS changed (party, from_tier, to_tier, path, manager)
        ON CONFLICT DO NOTHING RETURNING party_id`);
      const fresh = new Set(told.map((one) => one.party_id));
      const events = changes
        .filter(({ id }) => fresh.has(id))
        .map((one) => ({
          message: {
            party: `parties/${one.id}`,
            organisationPath: one.path,
            schemeVersion: `schemes/${row.scheme_id}@${row.version}`,
            fromTier: one.from_tier,
            toTier: one.to_tier,
            direction:
              ids.indexOf(one.to_tier) > ids.indexOf(one.from_tier)
                ? TierDirection.TIER_DIRECTION_UP
                : TierDirection.TIER_DIRECTION_DOWN,
            effectiveDate: dateMessage(day),
            privileges: (plan.tiers[ids.indexOf(one.to_tier)]?.privileges ?? []).map(({ code }) => code),
          },
          options: { aggregate: one.id, subject: `parties/${one.id}` },
        }));
      await publishAll(tx, TierChanged, events);
    });
  }
}

/**
 * Decides the tier of every party for the day in ClickHouse and tells of every change. Deciding again on the same day
 * changes nothing, and a change is told once, so that a kill at any point costs a repetition. Gives how many changed.
 */
export async function assignTiers(
  deps: Deps,
  row: ScannedScheme,
  plan: TierPlan,
  scan: Scan,
): Promise<{ changed: bigint }> {
  const { text, parameters } = await standing(deps, row, plan, scan);
  const decided = tierSql(plan);
  const bound = { ...parameters, ...decided.parameters };
  await scan.progress('ASSIGNING');
  const changed = await storeAssigned(deps, {
    text,
    parameters: bound,
    // Who has changed tier today does not change again: of a day one change is told.
    group: `{tier_ids:Array(String)}[if(moved_today = 1, old_place, ${decided.place})]`,
    score: 'm0',
  });
  // After the tiers, which depend on it: deciding again in the tier that was decided gives the same.
  await deps.analytics.command(
    `INSERT INTO tier_watch (party, scheme, from_date, below_from, version)
      SELECT party, {scheme_id:String}, {day:Int32}, new_below, {version:UInt64}
      FROM (SELECT party, below_from, ${decided.below} AS new_below FROM (${text})) WHERE new_below != below_from
      SETTINGS max_threads = 2`,
    { ...bound, version: scanVersion() },
  );
  await tellChanges(deps, row, plan, scan);
  return { changed };
}
