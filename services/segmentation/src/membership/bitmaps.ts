// Membership as ClickHouse sees it: for each version in use a bitmap of the numbers of its members as of its last pass,
// and what a pass under way has found. Postgres holds the truth; whatever stands here can be made from it again.
import type { Analytics } from '@rapport/kit/analytics';
import { stored } from '../fact/fact.js';

/** `members` and `before`: who is in a version, and was; `looked`: who was looked at meanwhile; the others: what changes. */
export type Part = 'members' | 'before' | 'looked' | 'entered' | 'exited';

/** The tables, each with a partition for each pass, so that a pass is dropped as a whole. */
export const bitmapTables: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS membership_bitmap (
    pass UInt64,
    part LowCardinality(String),
    version_name String,
    parties AggregateFunction(groupBitmap, UInt32)
  ) ENGINE = AggregatingMergeTree PARTITION BY pass ORDER BY (part, version_name)`,
  // Numbers that Postgres told, on their way into a bitmap.
  `CREATE TABLE IF NOT EXISTS membership_number (
    pass UInt64,
    part LowCardinality(String),
    version_name String,
    number UInt32
  ) ENGINE = MergeTree PARTITION BY pass ORDER BY (part, version_name)`,
];

/** Puts a condition on the organisation path of each rule beside it. Gives the conditions and what they bind. */
export function underPaths(conditions: readonly string[], paths: readonly string[]) {
  const names = new Map<string, string>();
  const parameters: Record<string, string> = {};
  const limited = conditions.map((condition, index) => {
    const path = paths[index] ?? '/';
    if (path === '/') return condition;
    const name = names.get(path) ?? `path${names.size}`;
    names.set(path, name);
    parameters[name] = path;
    parameters[`${name}_below`] = `${path}/`;
    return `((p.organisation_path = {${name}:String} OR startsWith(p.organisation_path, {${name}_below:String})) AND ${condition})`;
  });
  return { conditions: limited, parameters };
}

/** The statement that adds whoever meets the conditions to the bitmaps of a pass; binds `pass` and `names`. */
export function collecting(from: string, conditions: readonly string[]): string {
  const states = conditions.map((condition, index) => `groupBitmapStateIf(p.number, ${condition}) AS m${index}`);
  return `INSERT INTO membership_bitmap (pass, part, version_name, parties)
    SELECT {pass:UInt64}, 'members', found.1, found.2 FROM (
      SELECT arrayJoin(arrayZip({names:Array(String)}, [${conditions.map((_, index) => `m${index}`).join(', ')}])) AS found
      FROM (SELECT ${states.join(', ')} FROM ${from}))`;
}

/** Whether the members of each version as of a pass are known here. */
export async function knownBitmaps(analytics: Analytics, keys: readonly string[]): Promise<Set<string>> {
  const rows = await analytics.query<{ key: string }>(
    `SELECT DISTINCT concat(version_name, '#', toString(pass)) AS key FROM membership_bitmap
      WHERE part = 'members' AND has({keys:Array(String)}, key)`,
    { keys: [...keys] },
  );
  return new Set(rows.map(({ key }) => key));
}

/** Numbers of parties that go into a bitmap of a pass. */
export async function addNumbers(
  analytics: Analytics,
  of: { pass: bigint; part: Part; name: string },
  numbers: readonly number[],
): Promise<void> {
  await analytics.insert(
    'membership_number',
    numbers.map((number) => ({ pass: of.pass, part: of.part, version_name: of.name, number })),
  );
}

/** Makes the bitmaps of what `addNumbers` was given for a pass. */
export async function foldNumbers(analytics: Analytics, pass: bigint): Promise<void> {
  await analytics.command(
    `INSERT INTO membership_bitmap (pass, part, version_name, parties)
      SELECT pass, part, version_name, groupBitmapState(number) FROM membership_number WHERE pass = {pass:UInt64}
      GROUP BY pass, part, version_name`,
    { pass },
  );
}

/**
 * Finds what changes with a pass: whoever is in the new bitmap and not in the one before comes in, and the other way
 * round leaves. Of parties that were looked at since the bitmap before, it may be wrong: these are named as coming or
 * leaving in any case, and Postgres tells who does. `before` are the keys (`name#pass`) of bitmaps of earlier passes.
 */
export async function findChanges(
  analytics: Analytics,
  pass: bigint,
  names: readonly string[],
  before: readonly string[],
): Promise<void> {
  await analytics.command(
    `INSERT INTO membership_bitmap (pass, part, version_name, parties)
      WITH (
        SELECT groupBitmapMergeState(parties) FROM membership_bitmap WHERE pass = {pass:UInt64} AND part = 'looked'
      ) AS looked
      SELECT {pass:UInt64}, change.1, version_name, change.2 FROM (
        SELECT version_name,
          groupBitmapMergeStateIf(parties, kind = 'now') AS now,
          groupBitmapMergeStateIf(parties, kind = 'before') AS before,
          arrayJoin([
            ('entered', bitmapOr(bitmapAndnot(now, before), bitmapAnd(now, looked))),
            ('exited', bitmapOr(bitmapAndnot(before, now), bitmapAndnot(looked, now)))
          ]) AS change
        FROM (
          SELECT version_name, parties, if(pass = {pass:UInt64} AND part = 'members', 'now', 'before') AS kind
          FROM membership_bitmap
          WHERE (pass = {pass:UInt64} AND part IN ('members', 'before') AND version_name IN {names:Array(String)})
            OR (part = 'members' AND has({before:Array(String)}, concat(version_name, '#', toString(pass)))))
        GROUP BY version_name)`,
    { pass, names: [...names], before: [...before] },
  );
}

const CHANGES = `membership_bitmap WHERE pass = {pass:UInt64} AND part IN ('entered', 'exited')`;

/** How many changes a pass has found, how many parties they are about, and the highest number of those; -1 of none. */
export async function countChanges(
  analytics: Analytics,
  pass: bigint,
): Promise<{ changes: number; parties: number; last: number }> {
  const [row] = await analytics.query<{ changes: number; about: number; last: number }>(
    `SELECT sum(bitmapCardinality(parties)) AS changes, bitmapCardinality(groupBitmapMergeState(parties)) AS about,
      bitmapMax(groupBitmapMergeState(parties)) AS last FROM ${CHANGES}`,
    { pass },
  );
  const about = Number(row?.about ?? 0);
  return { changes: Number(row?.changes ?? 0), parties: about, last: about === 0 ? -1 : Number(row?.last ?? -1) };
}

/** A party that comes in, as facts know it. */
export interface Coming {
  party: string;
  path: string;
  manager: string;
}

/** Some of the changes of a pass: all of the parties whose numbers lie between two. */
export interface Slice {
  last: number;
  /** By version, the numbers of who comes in and of who leaves. */
  versions: { name: string; entered: number[]; exited: number[] }[];
  coming: Map<number, Coming>;
}

/** The changes of the next so many parties from a number on; undefined when there are none left. */
export async function nextSlice(
  analytics: Analytics,
  pass: bigint,
  first: number,
  parties: number,
): Promise<Slice | undefined> {
  const bound = { pass, first, parties };
  const [row] = await analytics.query<{ last: number; found: number }>(
    `SELECT bitmapMax(next) AS last, bitmapCardinality(next) AS found FROM (
      SELECT bitmapSubsetLimit(groupBitmapMergeState(parties), {first:UInt32}, {parties:UInt32}) AS next FROM ${CHANGES})`,
    bound,
  );
  if (!row || Number(row.found) === 0) return undefined;
  const last = Number(row.last);
  const ends = { pass, first, last, end: last + 1 };
  const versions = await analytics.query<Slice['versions'][number]>(
    `SELECT version_name AS name,
        bitmapToArray(bitmapSubsetInRange(groupBitmapMergeStateIf(parties, part = 'entered'), {first:UInt32}, {end:UInt32})) AS entered,
        bitmapToArray(bitmapSubsetInRange(groupBitmapMergeStateIf(parties, part = 'exited'), {first:UInt32}, {end:UInt32})) AS exited
      FROM ${CHANGES} GROUP BY version_name HAVING notEmpty(entered) OR notEmpty(exited) ORDER BY version_name`,
    ends,
  );
  const coming = await analytics.query<{ number: number; id: string; path: string; staff: string }>(
    `SELECT number, toString(party) AS id, argMax(organisation_path, version) AS path, argMax(manager, version) AS staff
      FROM party WHERE number BETWEEN {first:UInt32} AND {last:UInt32} AND bitmapContains((
        SELECT groupBitmapMergeState(parties) FROM membership_bitmap WHERE pass = {pass:UInt64} AND part = 'entered'), number)
      GROUP BY number, party`,
    ends,
  );
  return {
    last,
    versions,
    coming: new Map(coming.map((one) => [one.number, { party: one.id, path: one.path, manager: one.staff }])),
  };
}

/** Drops every pass that none of these is; those in use and under way are kept. */
export async function dropPasses(analytics: Analytics, kept: ReadonlySet<bigint>, newest: bigint): Promise<void> {
  for (const table of ['membership_bitmap', 'membership_number']) {
    const rows = await analytics.query<{ name: string }>(`SELECT DISTINCT toString(pass) AS name FROM ${table}`);
    for (const { name } of rows) {
      const pass = BigInt(name);
      if (pass < newest && !kept.has(pass)) {
        await analytics.command(`ALTER TABLE ${stored(analytics, table).altered} DROP PARTITION ${pass}`);
      }
    }
  }
}
