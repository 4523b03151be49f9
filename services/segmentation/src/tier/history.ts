import { everything, sql } from '@rapport/kit/db';
import { erasedAmong, publishAll } from '@rapport/kit/events';
import { TierChanged, TierDirection, type TierPlan } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { partyRanges } from '../membership/membership.js';
import type { DayNumber } from '../rule/rule.js';
import { RANGED, type Scan, type ScannedScheme } from '../scan/scan.js';
import { dateMessage, dateText, dayOf } from '../segment/segment.js';

/** Changes in one transaction, and rows of one insert. */
const SLICE = 10_000;
/** Parties whose changes are read at once. */
const PARTIES = 100_000;

interface ChangeRow {
  id: string;
  path: string;
  manager: string;
  day: DayNumber;
  from_tier: string;
  to_tier: string;
  worth: number | null;
}

/** How many changes Postgres keeps of a scheme, and how many rows ClickHouse has of it. */
async function keptAndAssigned({ db, analytics }: Deps, schemeId: string): Promise<{ kept: number; assigned: number }> {
  const { n } = await db.system.one<{ n: bigint }>(sql`
    SELECT count(*) AS n FROM tier_change WHERE scheme_id = ${schemeId}`);
  const [row] = await analytics.query<{ n: number }>(
    'SELECT count() AS n FROM (SELECT party FROM assigned FINAL WHERE scheme = {scheme:String})',
    { scheme: schemeId },
  );
  return { kept: Number(n), assigned: Number(row?.n ?? 0) };
}

async function keepChanges(
  deps: Deps,
  row: ScannedScheme,
  plan: TierPlan,
  told: DayNumber,
  changes: ChangeRow[],
): Promise<void> {
  const ids = plan.tiers.map(({ group }) => group?.groupId ?? '');
  await deps.db.transaction(everything, async (tx) => {
    // Whoever is erased meanwhile waits for this transaction, or is known in it.
    const erased = new Set(
      await erasedAmong(
        tx,
        changes.map(({ id }) => id),
      ),
    );
    const left = changes.filter(({ id }) => !erased.has(id));
    // Before its first tier has lasted a day, a party may be found in another one: nothing was told of it.
    await tx.run(sql`
      DELETE FROM tier_change t USING unnest(${left.map(({ id }) => id)}::uuid[],
        ${left.map(({ day }) => dateText(day))}::date[], ${left.map((one) => one.to_tier)}::text[]) AS c (party, day, tier)
      WHERE t.scheme_id = ${row.scheme_id} AND t.party_id = c.party AND t.day = c.day AND t.from_tier = ''
        AND t.to_tier <> c.tier`);
    const kept = await tx.rows<{ party_id: string; day: string }>(sql`
      INSERT INTO tier_change (party_id, scheme_id, version, day, from_tier, to_tier, score, organisation_path, manager)
      SELECT c.party, ${row.scheme_id}, ${row.version}, c.day, c.from_tier, c.to_tier, c.score, c.path, c.manager
      FROM unnest(${left.map(({ id }) => id)}::uuid[], ${left.map(({ day }) => dateText(day))}::date[],
        ${left.map((one) => one.from_tier)}::text[], ${left.map((one) => one.to_tier)}::text[],
        ${left.map(({ worth }) => worth)}::float8[], ${left.map(({ path }) => path)}::text[],
        ${left.map(({ manager }) => manager)}::text[]) AS c (party, day, from_tier, to_tier, score, path, manager)
      -- Another version may have told it, on the day on which this one came into use.
      WHERE NOT EXISTS (SELECT FROM tier_change t
        WHERE t.scheme_id = ${row.scheme_id} AND t.party_id = c.party AND t.day = c.day)
      ON CONFLICT DO NOTHING RETURNING party_id, day`);
    const fresh = new Set(kept.filter(({ day }) => dayOf(day) === told).map((one) => one.party_id));
    const events = left
      .filter(({ id, day, from_tier: from }) => day === told && fresh.has(id) && ids.includes(from))
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
          effectiveDate: dateMessage(one.day),
          privileges: (plan.tiers[ids.indexOf(one.to_tier)]?.privileges ?? []).map(({ code }) => code),
        },
        options: { aggregate: one.id, subject: `parties/${one.id}` },
      }));
    await publishAll(tx, TierChanged, events);
  });
}

async function keepWatch(
  { db, analytics }: Deps,
  row: ScannedScheme,
  day: DayNumber,
  range: object,
  signal: AbortSignal,
): Promise<void> {
  const watched = await analytics.query<{ id: string; below: DayNumber; path: string; manager: string }>(
    `SELECT toString(w.party) AS id, w.below_from AS below, p.organisation_path AS path, p.manager AS manager
      FROM (SELECT * FROM tier_watch FINAL WHERE scheme = {scheme:String} AND from_date = {day:Int32}${RANGED}) AS w
      INNER JOIN (SELECT * FROM party FINAL WHERE 1${RANGED}) AS p ON w.party = p.party ORDER BY w.party`,
    { scheme: row.scheme_id, day, ...range },
    { signal },
  );
  for (let start = 0; start < watched.length; start += SLICE) {
    const slice = watched.slice(start, start + SLICE);
    await db.transaction(everything, async (tx) => {
      const erased = new Set(
        await erasedAmong(
          tx,
          slice.map(({ id }) => id),
        ),
      );
      const below = slice.filter((one) => one.below !== 0 && !erased.has(one.id));
      const back = slice.filter((one) => one.below === 0).map(({ id }) => id);
      await tx.run(sql`DELETE FROM tier_watch WHERE scheme_id = ${row.scheme_id} AND party_id = ANY(${back}::uuid[])`);
      await tx.run(sql`
        INSERT INTO tier_watch (scheme_id, party_id, below_from, organisation_path, manager)
        SELECT ${row.scheme_id}, w.* FROM unnest(${below.map(({ id }) => id)}::uuid[],
          ${below.map((one) => dateText(one.below))}::date[], ${below.map(({ path }) => path)}::text[],
          ${below.map(({ manager }) => manager)}::text[]) AS w
        ON CONFLICT (scheme_id, party_id) DO UPDATE SET below_from = excluded.below_from`);
    });
  }
}

/**
 * Keeps in Postgres what was decided for a day: every change of tier, from none too, and since when parties are below
 * theirs. Of each change from a tier that is kept for the first time it tells, unless nothing is to be told. When Postgres
 * lacks changes of before, it takes those as well and tells nothing of them. Safe to repeat.
 */
export async function keepTiers(
  deps: Deps,
  row: ScannedScheme,
  plan: TierPlan,
  { day, told, signal }: Pick<Scan, 'day' | 'signal'> & { told: boolean },
): Promise<void> {
  const keep = async (days: string): Promise<void> => {
    for (const range of await partyRanges(deps.analytics, PARTIES)) {
      const changes = await deps.analytics.query<ChangeRow>(
        `SELECT toString(c.party) AS id, p.organisation_path AS path, p.manager AS manager, c.from_date AS day,
          c.from_tier AS from_tier, c.to_tier AS to_tier, c.worth AS worth
        FROM (SELECT party, from_date, \`group\` AS to_tier, score AS worth,
            lagInFrame(\`group\`, 1, '') OVER (PARTITION BY party ORDER BY from_date) AS from_tier
          FROM (SELECT * FROM assigned FINAL WHERE scheme = {scheme:String}${RANGED})) AS c
        INNER JOIN (SELECT * FROM party FINAL WHERE 1${RANGED}) AS p ON c.party = p.party
        WHERE c.from_tier != c.to_tier AND ${days} ORDER BY c.party, c.from_date`,
        { day, scheme: row.scheme_id, ...range },
        { signal },
      );
      for (let start = 0; start < changes.length; start += SLICE) {
        await keepChanges(deps, row, plan, told ? day : 0, changes.slice(start, start + SLICE));
      }
      await keepWatch(deps, row, day, range, signal);
    }
  };
  await keep('c.from_date = {day:Int32}');
  const { kept, assigned } = await keptAndAssigned(deps, row.scheme_id);
  if (kept < assigned) await keep('c.from_date < {day:Int32}');
}

/**
 * Puts what Postgres keeps of the tiers of a scheme back into ClickHouse where that has lost it, so that the next decision
 * starts from the tiers and the grace of before. Gives how many changes it put back. Safe to repeat.
 */
export async function restoreTiers(deps: Deps, row: ScannedScheme, { signal }: Pick<Scan, 'signal'>): Promise<number> {
  const { db, analytics } = deps;
  const { kept, assigned } = await keptAndAssigned(deps, row.scheme_id);
  if (assigned >= kept) return 0;
  let after = { party: '00000000-0000-0000-0000-000000000000', day: '0001-01-01' };
  for (let full = true; full; ) {
    signal.throwIfAborted();
    const changes = await db.system.rows<{ party_id: string; day: string; to_tier: string; score: number | null }>(sql`
      SELECT party_id, day, to_tier, score FROM tier_change
      WHERE scheme_id = ${row.scheme_id} AND (party_id, day) > (${after.party}::uuid, ${after.day}::date)
      ORDER BY party_id, day LIMIT ${SLICE}`);
    // What is there has a version above 1 and counts.
    const rows = changes.map(({ party_id: party, day, to_tier: group, score }) => {
      return { party, scheme: row.scheme_id, from_date: dayOf(day) ?? 0, group, score, version: 1 };
    });
    if (rows.length > 0) await analytics.insert('assigned', rows);
    const last = changes.at(-1);
    if (last) after = { party: last.party_id, day: last.day };
    full = changes.length === SLICE;
  }
  for (let from = '00000000-0000-0000-0000-000000000000', full = true; full; ) {
    const watched = await db.system.rows<{ party_id: string; below_from: string }>(sql`
      SELECT party_id, below_from FROM tier_watch WHERE scheme_id = ${row.scheme_id} AND party_id > ${from}::uuid
      ORDER BY party_id LIMIT ${SLICE}`);
    const rows = watched.map(({ party_id: party, below_from: below }) => {
      const day = dayOf(below) ?? 0;
      return { party, scheme: row.scheme_id, from_date: day, below_from: day, version: 1 };
    });
    if (rows.length > 0) await analytics.insert('tier_watch', rows);
    from = watched.at(-1)?.party_id ?? from;
    full = watched.length === SLICE;
  }
  return kept - assigned;
}
