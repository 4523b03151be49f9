import { type Queryable, type Scope, scopeFilter, sql, type Sql } from '@rapport/kit/db';
import {
  type Scheme,
  type SchemeGroup,
  type SchemeKind,
  SchemeModel,
  SchemePlan,
  type SchemeVersion,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import { fail } from '../errors.js';
import { dateMessage, dayOf } from '../segment/segment.js';
import { type Group, groupsOf } from './plan.js';

export { rulesIn } from './plan.js';

/** A version with its scheme, as Postgres gives it. */
export interface SchemeRow {
  scheme_id: string;
  title: string;
  organisation_path: string;
  kind: SchemeKind;
  scheme_created_by: string;
  scheme_create_time: Date;
  version: number;
  plan: unknown;
  model: unknown;
  state: SegmentState;
  assigned_day: string | null;
  created_by: string;
  create_time: Date;
  approved_by: string;
  approve_time: Date | null;
  reject_reason: string;
  publish_time: Date | null;
  retire_time: Date | null;
  /** Members of the groups' segments, by segment id. */
  members: Record<string, number> | null;
}

/** The id and, if the name has one, the version of `schemes/{id}` or `schemes/{id}@{version}`. */
export function parseSchemeName(name: string): { schemeId: string; version: number | undefined } {
  const [schemeId = '', version] = name.slice('schemes/'.length).split('@');
  return { schemeId, version: version === undefined ? undefined : Number(version) };
}

/** The resource name of a version. */
export function schemeVersionName({ scheme_id: schemeId, version }: Pick<SchemeRow, 'scheme_id' | 'version'>): string {
  return `schemes/${schemeId}@${version}`;
}

/** The id of the segment of a group. */
export function segmentIdOf(schemeId: string, groupId: string): string {
  return `${schemeId}-${groupId}`;
}

/** What `SchemeRow` is selected from; conditions may name `s` and `v`. */
export const schemeRows: Sql = sql`
  SELECT s.scheme_id, s.title, s.organisation_path, s.kind, s.created_by AS scheme_created_by,
    s.create_time AS scheme_create_time, v.version, v.plan, v.model, v.state, v.assigned_day, v.created_by,
    v.create_time, v.approved_by, v.approve_time, v.reject_reason, v.publish_time, v.retire_time,
    CASE WHEN v.state = 3 THEN (SELECT jsonb_object_agg(g.segment_id, gv.members) FROM segment g
      JOIN segment_version gv ON gv.segment_id = g.segment_id AND gv.state = 3
      WHERE g.scheme_id = s.scheme_id) END AS members
  FROM scheme s JOIN scheme_version v USING (scheme_id)`;

/** Every version of a scheme inside the scope, the newest first. Throws SCHEME_NOT_FOUND when there is none. */
export async function findSchemeVersions(on: Queryable, scope: Scope, schemeId: string): Promise<SchemeRow[]> {
  const rows = await on.rows<SchemeRow>(sql`${schemeRows}
    WHERE s.scheme_id = ${schemeId} AND ${scopeFilter(scope, { path: 's.organisation_path' })}
    ORDER BY v.version DESC`);
  if (rows.length === 0) throw fail('SCHEME_NOT_FOUND', { metadata: { scheme: `schemes/${schemeId}` } });
  return rows;
}

/** One version inside the scope by its name. Throws SCHEME_NOT_FOUND. */
export async function findSchemeVersion(on: Queryable, scope: Scope, name: string): Promise<SchemeRow> {
  const { schemeId, version } = parseSchemeName(name);
  const found = (await findSchemeVersions(on, scope, schemeId)).find((row) => row.version === version);
  if (!found) throw fail('SCHEME_NOT_FOUND', { metadata: { scheme: name } });
  return found;
}

/** The plan of a version. */
export function planOf(row: SchemeRow): SchemePlan {
  return SchemePlan.fromJSON(row.plan);
}

/** What was computed for a version; undefined when nothing was. */
export function modelOf(row: SchemeRow): SchemeModel | undefined {
  return row.model === null ? undefined : SchemeModel.fromJSON(row.model);
}

/** The groups of a version with their rules; clusters have none before they were fitted. */
export function versionGroups(row: SchemeRow): Group[] {
  const model = modelOf(row)?.kind;
  const clusters = model?.$case === 'clusters' ? model.value.clusters.map(({ groupId }) => groupId) : [];
  return groupsOf(row.scheme_id, planOf(row), clusters);
}

/** The version as the contract shows it. */
export function schemeVersionMessage(row: SchemeRow): SchemeVersion {
  const assigned = dayOf(row.assigned_day);
  const groups = versionGroups(row).map(({ title, rule }): SchemeGroup => {
    const segmentId = segmentIdOf(row.scheme_id, title.groupId);
    const members = BigInt(row.members?.[segmentId] ?? 0);
    return { group: title, segment: `segments/${segmentId}`, rule, members };
  });
  return {
    name: schemeVersionName(row),
    version: row.version,
    plan: planOf(row),
    state: row.state,
    groups,
    model: modelOf(row),
    assignedDate: assigned === undefined ? undefined : dateMessage(assigned),
    createdBy: row.created_by,
    createTime: row.create_time,
    approvedBy: row.approved_by,
    approveTime: row.approve_time ?? undefined,
    rejectReason: row.reject_reason,
    publishTime: row.publish_time ?? undefined,
    retireTime: row.retire_time ?? undefined,
  };
}

/** The scheme as the contract shows it. */
export function schemeMessage(latest: SchemeRow, publishedVersion: number): Scheme {
  return {
    name: `schemes/${latest.scheme_id}`,
    title: latest.title,
    organisationPath: latest.organisation_path,
    kind: latest.kind,
    latestVersion: schemeVersionMessage(latest),
    publishedVersion,
    createdBy: latest.scheme_created_by,
    createTime: latest.scheme_create_time,
  };
}

/** Throws SCHEME_STATE unless the version stands in one of the states. */
export function assertState(row: SchemeRow, ...allowed: SegmentState[]): void {
  if (allowed.includes(row.state)) return;
  const state = (SegmentState[row.state] ?? '').replace('SEGMENT_STATE_', '').toLowerCase();
  throw fail('SCHEME_STATE', { metadata: { version: schemeVersionName(row), state } });
}
