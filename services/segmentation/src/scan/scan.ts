import { everything } from '@rapport/kit/db';
import { findAttribute } from '../catalogue/catalogue.js';
import type { Deps } from '../deps.js';
import { type FactFilter, factFilter } from '../fact/fact.js';
import { anyMerged } from '../merge/merge.js';
import { compileValues, type DayNumber, END_PARTY, FIRST_PARTY, type Operand, readValue } from '../rule/rule.js';
import { everyParty, partyRanges } from '../membership/membership.js';
import { soundRuleInUse } from '../segment/segment.js';
import type { Measures } from './ranked.js';

export { countWhere, type Measures, numbersAt, partyAt, sampleOf } from './ranked.js';

/** The version of a scheme that is scanned for. */
export interface ScannedScheme {
  scheme_id: string;
  version: number;
  organisation_path: string;
}

/** Says how far a run is; throws when another process has taken over. */
export type Progress = (step: string) => Promise<void>;

/** What a scan of all parties for a scheme works with. */
export interface Scan {
  day: DayNumber;
  progress: Progress;
  signal: AbortSignal;
}

/** A number of a plan, read, and whether parties can be without it. */
export interface NumberRead {
  value: Operand;
  missing: boolean;
}

/** The number that a plan names, as the rule language knows it. */
export function readNumber(text: string): NumberRead | { problem: string } {
  const read = readValue(text);
  if ('problem' in read) {
    const { line, column, message } = read.problem;
    return { problem: `line ${line}, column ${column}: ${message}` };
  }
  const { value } = read;
  if (value.type !== 'number' || 'value' in value) return { problem: 'Here stands no number that parties have.' };
  return { value, missing: canMiss(value) };
}

/** Whether a party can be without the value. Divided by nothing is missing too. */
export function canMiss(value: Operand): boolean {
  if ('feature' in value) return findAttribute(value.feature.key)?.missing ?? false;
  if ('parts' in value) return value.op === '/' || value.parts.some(canMiss);
  return 'size' in value && canMiss(value.size);
}

/** The condition that a row belongs to the range of parties that is bound. */
export const RANGED = ` AND party >= {${FIRST_PARTY}:UUID} AND party < {${END_PARTY}:UUID}`;

function numberOf(text: string): Operand {
  const read = readNumber(text);
  if ('problem' in read) throw new Error(`the catalogue no longer knows a number of the plan: ${read.problem}`);
  return read.value;
}

/**
 * Compiles the numbers of a plan to one scan. What the party was assigned before is read as rules read it, so that merged
 * parties are one here too.
 */
export async function measure(
  deps: Deps,
  row: ScannedScheme,
  { numbers, rule: text = 'true', day }: { numbers: readonly string[]; rule?: string; day: DayNumber },
): Promise<Measures> {
  const { rule, segments } = await soundRuleInUse(deps.db.system, text);
  const merged = await anyMerged(deps.db.system);
  const scheme = { scheme: row.scheme_id };
  const before: Operand[] = [
    { type: 'string', feature: { key: 'scheme.group', args: scheme } },
    { type: 'number', feature: { key: 'scheme.score', args: scheme } },
  ];
  const values = [...numbers.map(numberOf), ...before];
  const where = factFilter(everything, row.organisation_path);
  const limits = { where, merged, segments, ranged: true };
  const compiled = compileValues([{ rule, asOf: day }], { values, asOf: day }, deps.zone, limits);
  const columns = compiled.values.map(({ sql }, index) => {
    if (index < numbers.length) return `toNullable(toFloat64(${sql})) AS m${index}`;
    return index === numbers.length ? `ifNull(${sql}, '') AS old_group` : `${sql} AS old_score`;
  });
  return {
    text: `SELECT p.party AS party, p.organisation_path AS path, p.manager AS manager,
      toUInt8(${compiled.conditions[0]}) AS taken, ${columns.join(', ')} FROM ${compiled.from}`,
    parameters: { ...compiled.parameters, ...everyParty, day, scheme_id: row.scheme_id },
  };
}

/** What a scan has found, as SQL over the columns of `Measures`. */
export interface Found extends Measures {
  group: string;
  score: string;
  /** Differences of a score up to this are not worth a row; left out, none is. */
  tolerance?: number;
}

/** Grows with every scan, so that a later one of a day wins. */
export function scanVersion(): bigint {
  return BigInt(Date.now());
}

/**
 * Writes who is in another group than before, or has another score: an INSERT … SELECT for each range of parties, so that
 * nothing of it passes through this process, and rows grow with changes, not with days. Gives how many changed group. Safe to repeat: what was
 * written is what was found, and is not written again.
 */
export async function storeAssigned({ analytics }: Deps, found: Found, signal: AbortSignal): Promise<bigint> {
  const { text, parameters, group, score, tolerance } = found;
  const version = scanVersion();
  const moved = 'ifNull(abs(new_score - old_score) > {tolerance:Float64}, isNull(new_score) != isNull(old_score))';
  const statement = `INSERT INTO assigned (party, scheme, from_date, \`group\`, score, version)
      SELECT party, {scheme_id:String}, {day:Int32}, new_group, new_score, {version:UInt64}
      FROM (SELECT party, old_group, old_score, ${group} AS new_group, toNullable(toFloat64(${score})) AS new_score
        FROM (${text}))
      WHERE new_group != old_group${tolerance === undefined ? '' : ` OR ${moved}`}
      SETTINGS max_threads = 2`;
  const bound = { ...parameters, version, ...(tolerance === undefined ? {} : { tolerance }) };
  for (const range of await partyRanges(analytics)) {
    signal.throwIfAborted();
    await analytics.command(statement, { ...bound, ...range });
  }
  const [row] = await analytics.query<{ n: number }>(
    `SELECT countIf(now_in != was_in) AS n FROM (
      SELECT argMaxIf(\`group\`, (from_date, version), from_date < {day:Int32}) AS was_in,
        argMax(\`group\`, (from_date, version)) AS now_in
      FROM (SELECT * FROM assigned FINAL WHERE scheme = {scheme_id:String} AND from_date <= {day:Int32})
      GROUP BY party HAVING max(from_date) = {day:Int32})`,
    { scheme_id: parameters['scheme_id'] ?? '', day: parameters['day'] ?? 0 },
  );
  return BigInt(row?.n ?? 0);
}

/** How many go from which group to which; the same on both sides for those who stay. */
export interface Moves {
  from_group: string;
  to_group: string;
  parties: number;
  /** The lowest ids of them. */
  some: string[];
}

/** Counts what storing would change, and stores nothing. Only parties of the filter are counted. */
export async function previewAssigned(
  { analytics }: Deps,
  { text, parameters, group }: Found,
  { where, sample, signal }: { where: FactFilter; sample: number; signal: AbortSignal },
): Promise<Moves[]> {
  const counted = new Map<string, Moves>();
  for (const range of await partyRanges(analytics)) {
    const rows = await analytics.query<Moves>(
      `SELECT from_group, to_group, count() AS parties, groupArraySorted(${sample + 1})(id) AS some
        FROM (SELECT toString(party) AS id, path AS organisation_path, manager, old_group AS from_group,
          ${group} AS to_group FROM (${text}))
        WHERE ${where.text} GROUP BY from_group, to_group SETTINGS max_threads = 2`,
      { ...parameters, ...where.parameters, ...range },
      { signal },
    );
    for (const row of rows) {
      const key = `${row.from_group} ${row.to_group}`;
      const known = counted.get(key);
      if (!known) counted.set(key, { ...row, parties: Number(row.parties) });
      else {
        known.parties += Number(row.parties);
        known.some = [...known.some, ...row.some].sort();
      }
    }
  }
  return [...counted.values()].map((one) => ({ ...one, some: one.some.slice(0, sample) }));
}
