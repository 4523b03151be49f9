import type { Parameter } from '@rapport/kit/analytics';
import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import { type CompareOverlapRequest, type CompareOverlapResponse, SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { factFilter } from '../fact/fact.js';
import { rangesFor } from '../membership/membership.js';
import { anyMerged } from '../merge/merge.js';
import { compileRules, type DayNumber, readRule, type Rule } from '../rule/rule.js';
import {
  dateMessage,
  dayOf,
  findVersion,
  findVersions,
  parseName,
  requestedDay,
  ruleInvalid,
  segmentsInUse,
  soundRuleInUse,
  today,
  type VersionRow,
  versionName,
  versionRows,
} from '../segment/segment.js';
import { isSmall, SMALLEST, tellsOfFew } from './small.js';

const MOST_SEGMENTS = 20;

interface Group {
  name: string;
  title: string;
  rule: Rule;
  asOf: DayNumber;
  organisationPath: string;
}

/** The versions that are asked for; of a segment the one in use, else the newest. Throws SEGMENT_NOT_FOUND. */
async function versionsOf({ db }: Deps, names: readonly string[], { scope }: Call): Promise<VersionRow[]> {
  const on = db.scoped(scope);
  if (names.length === 0) {
    return on.rows<VersionRow>(sql`${versionRows}
      WHERE v.state = ${SegmentState.SEGMENT_STATE_PUBLISHED} AND ${scopeFilter(scope, { path: 's.organisation_path' })}
      ORDER BY v.members DESC, v.segment_id LIMIT ${MOST_SEGMENTS}`);
  }
  const found: VersionRow[] = [];
  for (const name of names) {
    const { segmentId, version } = parseName(name);
    if (version !== undefined) {
      found.push(await findVersion(on, scope, name));
      continue;
    }
    const rows = await findVersions(on, scope, segmentId);
    const used = rows.find(({ state }) => state === SegmentState.SEGMENT_STATE_PUBLISHED) ?? rows[0];
    if (used) found.push(used);
  }
  return found;
}

/**
 * Gives how many parties a rule and segments have, and every two of them in common. One statement evaluates all of them
 * for each party to one number with a bit for each. Throws RULE_INVALID, DATE_INVALID, SEGMENT_NOT_FOUND.
 */
export async function compareOverlap(
  deps: Deps,
  request: CompareOverlapRequest,
  call: Call,
): Promise<CompareOverlapResponse> {
  const asOf = requestedDay(request.asOf) ?? today(deps);
  const groups: Group[] = [];
  if (request.rule !== '') {
    const { rule } = await soundRuleInUse(deps.db.system, request.rule);
    groups.push({ name: '', title: '', rule, asOf, organisationPath: '/' });
  }
  const segments = await segmentsInUse(deps.db.system);
  for (const row of await versionsOf(deps, request.segments, call)) {
    const read = readRule(row.rule, { segments, self: row.segment_id });
    if ('problem' in read) throw ruleInvalid(read.problem);
    groups.push({
      name: versionName(row.segment_id, row.version),
      title: row.title,
      rule: read.rule,
      asOf: dayOf(row.as_of) ?? asOf,
      organisationPath: row.organisation_path,
    });
  }
  const merged = await anyMerged(deps.db.system);
  const where = factFilter(call.scope, request.organisationPath, { manager: true });
  const limits = { where, merged, segments, ranged: true };
  const { from, conditions, joins, parameters } = compileRules(groups, deps.zone, limits);
  const bound: Record<string, Parameter> = { ...parameters };
  const bits = groups.map(({ organisationPath }, index) => {
    const taken = `toUInt32(${conditions[index]})`;
    if (organisationPath === '/') return `bitShiftLeft(${taken}, ${index})`;
    bound[`path${index}`] = organisationPath;
    bound[`below${index}`] = `${organisationPath}/`;
    const inside = `(p.organisation_path = {path${index}:String} OR startsWith(p.organisation_path, {below${index}:String}))`;
    return `bitShiftLeft(toUInt32(${inside} AND ${conditions[index]}), ${index})`;
  });
  const pairs = groups.flatMap((_, first) =>
    groups.slice(first + 1).map((_unused, offset) => ({ first, second: first + 1 + offset })),
  );
  const counts = [
    ...groups.map((_, index) => `countIf(bitTest(bits, ${index})) AS g${index}`),
    ...pairs.map(({ first, second }, index) => {
      const both = 2 ** first + 2 ** second;
      return `countIf(bitAnd(bits, ${both}) = ${both}) AS p${index}`;
    }),
  ];
  const started = performance.now();
  const found = new Map<string, number>();
  // Range by range, so that the largest bank takes no more memory than a small one: counts add up.
  for (const range of await rangesFor(deps.analytics, { joins })) {
    const [row = {}] = await deps.analytics.query<Record<string, number>>(
      `SELECT ${['count() AS population', ...counts].join(', ')}
      FROM (SELECT ${bits.length > 0 ? bits.join(' + ') : 'toUInt32(0)'} AS bits FROM ${from})`,
      { ...bound, ...range },
      { signal: call.signal },
    );
    for (const [name, count] of Object.entries(row)) found.set(name, (found.get(name) ?? 0) + Number(count));
  }
  const sqlMs = performance.now() - started;
  const number = (name: string): number => found.get(name) ?? 0;
  const population = number('population');
  const shown = scopeFor(call, 'C2').kind !== 'nothing';
  await deps.reads.record(call, 'segments:compareOverlap');
  return {
    groups: groups.map(({ name, title }, index) => {
      const count = number(`g${index}`);
      const hidden = !shown && tellsOfFew({ count, population });
      return { segmentVersion: name, title, count: hidden ? 0n : BigInt(count), hidden };
    }),
    pairs: pairs.map(({ first, second }, index) => {
      const both = number(`p${index}`);
      const apart = [number(`g${first}`) - both, number(`g${second}`) - both];
      const hidden = !shown && [both, ...apart].some(isSmall);
      return { first, second, both: hidden ? 0n : BigInt(both), hidden };
    }),
    population: BigInt(population),
    smallestCount: shown ? 0 : SMALLEST,
    asOf: dateMessage(asOf),
    sqlMs,
  };
}
