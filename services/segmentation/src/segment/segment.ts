import { covers, type Queryable, type Scope, scopeFilter, sql, type Sql } from '@rapport/kit/db';
import type { DateMessage } from '@rapport/proto/google/type';
import { SchemeKind, type Segment, type SegmentState, type SegmentVersion } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import {
  type DayNumber,
  dayAt,
  dayNumber,
  describeRule,
  type Problem,
  type Rule,
  readRule,
  listsOf,
  type SegmentRule,
  type SchemeGroups,
  schemesOf,
  type SegmentRules,
  segmentsAskedBy,
  segmentsOf,
} from '../rule/rule.js';

/** The id and, if the name has one, the version of `segments/{id}` or `segments/{id}@{version}`. */
export function parseName(name: string): { segmentId: string; version: number | undefined } {
  const [segmentId = '', version] = name.slice('segments/'.length).split('@');
  return { segmentId, version: version === undefined ? undefined : Number(version) };
}

/** The resource name of a version. */
export function versionName(segmentId: string, version: number): string {
  return `segments/${segmentId}@${version}`;
}

/** Whether a scope reaches a whole path with all below it. */
export function reaches(scope: Scope, path: string): boolean {
  if (scope.kind === 'everything') return true;
  return scope.kind === 'rows' && scope.subtree !== undefined && covers(scope.subtree, path);
}

/** The condition that a party `p` of a rule's statement lies under a path; `name` tells what it binds from others. */
export function pathCondition(path: string, name: string): { text: string; parameters: Record<string, string> } {
  if (path === '/') return { text: '1', parameters: {} };
  return {
    text: `(p.organisation_path = {${name}:String} OR startsWith(p.organisation_path, {${name}_below:String}))`,
    parameters: { [name]: path, [`${name}_below`]: `${path}/` },
  };
}

/** The day number of a date of a request; undefined when it is unset. Throws DATE_INVALID for a day that does not exist. */
export function requestedDay(date: DateMessage | undefined, field = 'as_of'): DayNumber | undefined {
  if (!date) return undefined;
  const day = dayNumber(date.year, date.month, date.day);
  if (day !== undefined) return day;
  throw fail('DATE_INVALID', { violations: [{ field, description: 'must be a day of the calendar' }] });
}

/** The day as the contract writes it. */
export function dateMessage(day: DayNumber): DateMessage {
  return { year: Math.floor(day / 10_000), month: Math.floor(day / 100) % 100, day: day % 100 };
}

/** The day as Postgres writes it, '1994-03-31'. */
export function dateText(day: DayNumber): string {
  const digits = String(day).padStart(8, '0');
  return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
}

/** The day of a Postgres date. */
export function dayOf(date: string | null): DayNumber | undefined {
  return date === null ? undefined : Number(date.replaceAll('-', ''));
}

/** Today in the bank's time zone. */
export function today(deps: Deps): DayNumber {
  return dayAt(deps.clock.now(), deps.zone);
}

/** The failure for a rule that is not sound. */
export function ruleInvalid(problem: Problem): Error {
  const { line, column, reason, message } = problem;
  return fail('RULE_INVALID', {
    metadata: { line: String(line), column: String(column), rule_reason: reason },
    violations: [{ field: 'rule', description: `line ${line}, column ${column}: ${message}` }],
  });
}

/** A version with its segment, as Postgres gives it. */
export interface VersionRow {
  segment_id: string;
  title: string;
  organisation_path: string;
  /** The scheme whose group it is; null for a segment of its own. */
  scheme_id: string | null;
  segment_created_by: string;
  segment_create_time: Date;
  segment_update_time: Date;
  version: number;
  rule: string;
  as_of: string | null;
  state: SegmentState;
  members: bigint;
  evaluated_day: string | null;
  evaluate_time: Date | null;
  created_by: string;
  create_time: Date;
  publish_time: Date | null;
  approved_by: string;
  approve_time: Date | null;
  rejected_by: string;
  reject_time: Date | null;
  reject_reason: string;
  published_by: string;
  retired_by: string;
  retire_time: Date | null;
}

/** What `VersionRow` is selected from; conditions may name `s` and `v`. */
export const versionRows: Sql = sql`
  SELECT s.segment_id, s.title, s.organisation_path, s.scheme_id, s.created_by AS segment_created_by,
    s.create_time AS segment_create_time, s.update_time AS segment_update_time, v.version, v.rule, v.as_of, v.state,
    v.members, v.evaluated_day, v.evaluate_time, v.created_by, v.create_time, v.publish_time, v.approved_by,
    v.approve_time, v.rejected_by, v.reject_time, v.reject_reason, v.published_by, v.retired_by, v.retire_time
  FROM segment s JOIN segment_version v USING (segment_id)`;

/** Every version of a segment inside the scope, the newest first. Throws SEGMENT_NOT_FOUND when there is none. */
export async function findVersions(on: Queryable, scope: Scope, segmentId: string): Promise<VersionRow[]> {
  const rows = await on.rows<VersionRow>(sql`${versionRows}
    WHERE s.segment_id = ${segmentId} AND ${scopeFilter(scope, { path: 's.organisation_path' })}
    ORDER BY v.version DESC`);
  if (rows.length === 0) throw fail('SEGMENT_NOT_FOUND', { metadata: { segment: `segments/${segmentId}` } });
  return rows;
}

/** One version inside the scope by its name. Throws SEGMENT_NOT_FOUND. */
export async function findVersion(on: Queryable, scope: Scope, name: string): Promise<VersionRow> {
  const { segmentId, version } = parseName(name);
  const found = (await findVersions(on, scope, segmentId)).find((row) => row.version === version);
  if (!found) throw fail('SEGMENT_NOT_FOUND', { metadata: { segment: name } });
  return found;
}

/** The version as the contract shows it. */
export function versionMessage(row: VersionRow): SegmentVersion {
  const read = readRule(row.rule);
  const asOf = dayOf(row.as_of);
  return {
    name: versionName(row.segment_id, row.version),
    version: row.version,
    rule: row.rule,
    description: 'rule' in read ? describeRule(read.rule) : '',
    asOf: asOf === undefined ? undefined : dateMessage(asOf),
    state: row.state,
    members: row.members,
    evaluateTime: row.evaluate_time ?? undefined,
    createdBy: row.created_by,
    createTime: row.create_time,
    publishTime: row.publish_time ?? undefined,
    approvedBy: row.approved_by,
    approveTime: row.approve_time ?? undefined,
    rejectedBy: row.rejected_by,
    rejectTime: row.reject_time ?? undefined,
    rejectReason: row.reject_reason,
    publishedBy: row.published_by,
    retiredBy: row.retired_by,
    retireTime: row.retire_time ?? undefined,
  };
}

/** The segment as the contract shows it. */
export function segmentMessage(latest: VersionRow, publishedVersion: number): Segment {
  return {
    name: `segments/${latest.segment_id}`,
    title: latest.title,
    organisationPath: latest.organisation_path,
    latestVersion: versionMessage(latest),
    publishedVersion,
    createdBy: latest.segment_created_by,
    createTime: latest.segment_create_time,
    updateTime: latest.segment_update_time,
  };
}

/** The group of a partition that a segment is: those of other schemes are assigned, and their rules ask for that. */
function groupOf({ scheme_id: scheme, segment_id: segmentId, rule }: VersionRow): SegmentRule['group'] {
  if (scheme === null || rule.startsWith(`scheme.group("${scheme}") ==`)) return undefined;
  return { scheme, id: segmentId.slice(scheme.length + 1) };
}

/** The versions in use, read: what can be evaluated, and what cannot. */
export interface InUse {
  used: { row: VersionRow; rule: Rule }[];
  /** What rules that ask for other segments find. */
  segments: SegmentRules;
  unsound: { row: VersionRow; problem: Problem }[];
}

/**
 * Reads the rules of the versions in use. A rule is unsound when the catalogue no longer knows a word of it, or when it
 * asks for a segment that is not in use, is unsound itself, or asks for it in turn. Pure.
 */
export function readInUse(rows: readonly VersionRow[]): InUse {
  const segments = new Map<string, SegmentRule>();
  const unsound: InUse['unsound'] = [];
  let used: InUse['used'] = [];
  for (const row of rows) {
    const read = readRule(row.rule);
    if ('problem' in read) {
      unsound.push({ row, problem: read.problem });
      continue;
    }
    used.push({ row, rule: read.rule });
    const { organisation_path: organisationPath, segment_id: id } = row;
    segments.set(id, {
      rule: read.rule,
      text: row.rule,
      version: row.version,
      organisationPath,
      asOf: dayOf(row.as_of),
      group: groupOf(row),
    });
  }
  // One that is left out may take others with it, so again until all that are left find what they ask for.
  for (let before = -1; before !== used.length; ) {
    before = used.length;
    used = used.filter(({ row, rule }) => {
      if (segmentsAskedBy(rule, segments).length === 0) return true;
      const read = readRule(row.rule, { segments, self: row.segment_id });
      if ('rule' in read) return true;
      unsound.push({ row, problem: read.problem });
      return false;
    });
    const left = new Set(used.map(({ row }) => row.segment_id));
    for (const id of segments.keys()) if (!left.has(id)) segments.delete(id);
  }
  return { used, segments, unsound };
}

/** The rules of the versions in use, for rules that ask for the members of other segments. */
export async function segmentsInUse(on: Queryable): Promise<SegmentRules> {
  return readInUse(await on.rows<VersionRow>(sql`${versionRows} WHERE v.state = 3 ORDER BY v.segment_id`)).segments;
}

/** The segments in use whose rules ask for the members of this one, themselves or by way of others. */
export async function dependentsOf(on: Queryable, segmentId: string): Promise<string[]> {
  const { segments } = readInUse(await on.rows<VersionRow>(sql`${versionRows} WHERE v.state = 3`));
  const asked = [...segments].map(([id, { rule }]) => ({ id, of: segmentsAskedBy(rule, segments) }));
  const found = new Set([segmentId]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const { id, of } of asked) if (of.some((one) => found.has(one))) found.add(id);
  }
  found.delete(segmentId);
  return [...found];
}

/** What there is of these schemes; those that there are not are left out. */
async function schemesAmong(on: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, SchemeGroups>> {
  const rows = await on.rows<{ id: string; kind: SchemeKind; used: boolean; segments: string[] }>(sql`
    SELECT s.scheme_id AS id, s.kind,
      EXISTS (SELECT FROM scheme_version v WHERE v.scheme_id = s.scheme_id AND v.state = 3) AS used,
      ARRAY(SELECT g.segment_id FROM segment g JOIN segment_version gv USING (segment_id)
        WHERE g.scheme_id = s.scheme_id AND gv.state = 3 ORDER BY g.segment_id) AS segments
    FROM scheme s WHERE s.scheme_id = ANY(${[...ids]}::text[])`);
  return new Map(
    rows.map(({ id, kind, used, segments }) => [
      id,
      {
        groups: used ? segments.map((segment) => segment.slice(id.length + 1)) : undefined,
        scored: kind !== SchemeKind.SCHEME_KIND_PARTITION,
      },
    ]),
  );
}

/** Which of these lists there are; rules cannot ask for retired ones. */
async function listsAmong(on: Queryable, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await on.rows<{ id: string }>(sql`
    SELECT list_id AS id FROM static_list WHERE list_id = ANY(${[...ids]}::text[]) AND retire_time IS NULL`);
  return new Set(rows.map(({ id }) => id));
}

/**
 * A rule, checked against the segments in use, the schemes and the lists where it asks for any, or what is wrong with
 * it; `self` is the segment that it is for.
 */
export async function readRuleInUse(
  on: Queryable,
  text: string,
  self?: string,
): Promise<{ rule: Rule; segments: SegmentRules | undefined } | { problem: Problem }> {
  const read = readRule(text);
  if ('problem' in read) return read;
  const asked = { segments: segmentsOf(read.rule), schemes: schemesOf(read.rule), lists: listsOf(read.rule) };
  if (asked.segments.length + asked.schemes.length + asked.lists.length === 0)
    return { rule: read.rule, segments: undefined };
  // The groups of a partition are segments.
  const segments = asked.segments.length + asked.schemes.length > 0 ? await segmentsInUse(on) : undefined;
  const schemes = asked.schemes.length > 0 ? await schemesAmong(on, asked.schemes) : undefined;
  const lists = asked.lists.length > 0 ? await listsAmong(on, asked.lists) : undefined;
  const again = readRule(text, { segments, schemes, lists, self });
  return 'problem' in again ? again : { rule: again.rule, segments };
}

/** The same. Throws RULE_INVALID with its position. */
export async function soundRuleInUse(
  on: Queryable,
  text: string,
  self?: string,
): Promise<{ rule: Rule; segments: SegmentRules | undefined }> {
  const read = await readRuleInUse(on, text, self);
  if ('problem' in read) throw ruleInvalid(read.problem);
  return read;
}
