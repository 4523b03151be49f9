import { covers, sql } from '@rapport/kit/db';
import { logger } from '@rapport/kit/runtime';
import type { Deps } from '../deps.js';
import { anyMerged } from '../merge/merge.js';
import {
  compileVerdicts,
  type DayNumber,
  type JudgedRules,
  type Rule,
  type SegmentRules,
  type Values,
} from '../rule/rule.js';
import { dayOf, readInUse, today, type VersionRow, versionName, versionRows } from '../segment/segment.js';
import { eachSound } from './sound.js';

/** A version in use with what is evaluated of it. */
export interface Used {
  row: VersionRow;
  rule: Rule;
  asOf: DayNumber;
}

/** The versions in use on a day, read. */
export interface Rules {
  day: DayNumber;
  /** Those that can be evaluated, some for each statement. */
  parts: readonly (readonly Used[])[];
  /** All, also those whose rule is unsound. */
  known: readonly VersionRow[];
  /** What rules that ask for other segments find. */
  segments: SegmentRules;
}

/** A party that is in a version, as facts know it. */
export interface Match {
  party: string;
  path: string;
  manager: string;
  segmentId: string;
  version: number;
}

/** Rules in one statement. */
const RULES = 200;

// Looks follow each other within milliseconds and rules rarely change. Reading a hundred takes 54 ms of CPU, more than the look.
let last: { key: string; rules: Rules } | undefined;
const statements = new WeakMap<readonly Used[], { merged: boolean; zone: string; judged: JudgedRules }>();

function readRules(known: readonly VersionRow[], day: DayNumber): Rules {
  const key = JSON.stringify([
    day,
    known.map((row) => [row.segment_id, row.version, row.organisation_path, row.rule, row.as_of]),
  ]);
  if (last?.key === key) return last.rules;
  const { used, segments, unsound } = readInUse(known);
  for (const { row, problem } of unsound) {
    // The catalogue no longer knows what the rule speaks of: its members stay as they are.
    logger.error({ segment: versionName(row.segment_id, row.version), reason: problem.reason }, 'a rule is unsound');
  }
  const dated = used.map(({ row, rule }) => ({ row, rule, asOf: dayOf(row.as_of) ?? day }));
  const parts = Array.from({ length: Math.ceil(dated.length / RULES) }, (_, at) =>
    dated.slice(at * RULES, (at + 1) * RULES),
  );
  last = { key, rules: { day, parts, known, segments } };
  return last.rules;
}

/** The rules of the versions in use, for today. Days do not go back: what a pass has found for its day is kept. */
export async function rulesInUse(deps: Deps): Promise<Rules> {
  const known = await deps.db.system.rows<VersionRow & { pass_day: string | null }>(sql`
    SELECT r.*, (SELECT max(pass_day) FROM segment_version WHERE state = 3 AND as_of IS NULL) AS pass_day
    FROM (${versionRows} WHERE v.state = 3) AS r ORDER BY r.segment_id`);
  return readRules(known, Math.max(today(deps), dayOf(known[0]?.pass_day ?? null) ?? 0));
}

function judgedOf(used: readonly Used[], zone: string, merged: boolean, segments: SegmentRules): JudgedRules {
  const known = statements.get(used);
  if (known && known.merged === merged && known.zone === zone) return known.judged;
  const judged = compileVerdicts(used, zone, { restricted: true, merged, segments });
  statements.set(used, { merged, zone, judged });
  return judged;
}

/**
 * Looks at parties with every rule, in as few statements as possible. Gives who is in which version, and the versions
 * whose rules could be run.
 */
export async function look(
  { analytics, db, zone }: Deps,
  parties: readonly string[],
  { parts, segments }: Rules,
): Promise<{ matches: Match[]; looked: Used[] }> {
  const matches: Match[] = [];
  const looked: Used[] = [];
  const merged = await anyMerged(db.system);
  for (const part of parts) {
    const sound = await eachSound(part, async (some) => {
      const { from, columns, verdicts, parameters } = judgedOf(some, zone, merged, segments);
      const names = columns.map((_, place) => `value${place}`);
      const rows = await analytics.query<{ id: string; path: string; staff: string; [value: string]: Values[number] }>(
        `SELECT ${columns.map((column, place) => `${column} AS ${names[place]}, `).join('')}
          toString(p.party) AS id, p.organisation_path AS path, p.manager AS staff FROM ${from}`,
        { ...parameters, parties },
      );
      for (const row of rows) {
        const { id: party, path, staff: manager } = row;
        const found = names.map((name) => row[name] ?? null);
        some.forEach(({ row: version }, index) => {
          if (!verdicts[index]?.(found) || !covers(version.organisation_path, path)) return;
          matches.push({ party, path, manager, segmentId: version.segment_id, version: version.version });
        });
      }
    });
    looked.push(...sound);
  }
  return { matches, looked };
}
