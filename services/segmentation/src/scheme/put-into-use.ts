import { audit, systemCaller } from '@rapport/kit/crypto';
import { everything, sql, type Tx } from '@rapport/kit/db';
import { SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { publishVersion, retireVersion, settleMembers } from '../lifecycle/lifecycle.js';
import { leavesOf, type Rule, schemesOf, segmentsOf } from '../rule/rule.js';
import { findVersion, findVersions, segmentsInUse, type VersionRow, versionName } from '../segment/segment.js';
import type { Group } from './plan.js';
import type { RunRow } from './run.js';
import {
  assertState,
  findSchemeVersion,
  findSchemeVersions,
  type SchemeRow,
  schemeVersionName,
  segmentIdOf,
  versionGroups,
} from './scheme.js';

const { SEGMENT_STATE_APPROVED: approved, SEGMENT_STATE_PUBLISHED: published } = SegmentState;

/**
 * The approved version of a group's segment, made unless it is there; the version in use when its rule is the same. Whoever
 * made and approved the version of the scheme did so with its segments. Throws GROUP_SEGMENT_TAKEN.
 */
async function segmentOf(tx: Tx, scheme: SchemeRow, { title, rule }: Group): Promise<VersionRow> {
  const segmentId = segmentIdOf(scheme.scheme_id, title.groupId);
  await tx.run(sql`
    INSERT INTO segment (segment_id, title, organisation_path, created_by, scheme_id)
    VALUES (${segmentId}, ${`${scheme.title}: ${title.title}`}, ${scheme.organisation_path}, ${scheme.created_by},
      ${scheme.scheme_id})
    ON CONFLICT DO NOTHING`);
  const { owner } = await tx.one<{ owner: string | null }>(sql`
    SELECT scheme_id AS owner FROM segment WHERE segment_id = ${segmentId} FOR UPDATE`);
  if (owner !== scheme.scheme_id) throw fail('GROUP_SEGMENT_TAKEN', { metadata: { segment: `segments/${segmentId}` } });
  const there = await tx.maybe<{ version: number }>(sql`
    SELECT version FROM segment_version WHERE segment_id = ${segmentId} AND rule = ${rule} AND as_of IS NULL
      AND state IN (${approved}, ${published}) ORDER BY version DESC LIMIT 1`);
  if (there) return findVersion(tx, everything, versionName(segmentId, there.version));
  const { version } = await tx.one<{ version: number }>(sql`
    INSERT INTO segment_version (segment_id, version, rule, state, created_by, approved_by, approve_time)
    SELECT ${segmentId}, coalesce(max(version), 0) + 1, ${rule}, ${approved}, ${scheme.created_by},
      ${scheme.approved_by}, ${scheme.approve_time}
    FROM segment_version WHERE segment_id = ${segmentId} RETURNING version`);
  return findVersion(tx, everything, versionName(segmentId, version));
}

/**
 * Puts an approved version into use: the segments of its groups first become ready, then all of them and the version are
 * published in one transaction; groups that are gone are retired with the version before. The run ends when their members
 * have come and gone. Safe to repeat after a kill. Throws GROUP_SEGMENT_TAKEN, SEGMENT_IN_USE, SCHEME_STATE.
 */
export async function putIntoUse(deps: Deps, asked: SchemeRow, run: RunRow, signal: AbortSignal): Promise<void> {
  const { db, clock } = deps;
  const groups = versionGroups(asked);
  const rows = await db.transaction(everything, async (tx) => {
    const made: VersionRow[] = [];
    for (const group of groups) made.push(await segmentOf(tx, asked, group));
    return made;
  });
  const groupIds = rows.map((row) => row.segment_id);
  let gone: string[] = [];
  await db.transaction(everything, async (tx) => {
    await tx.run(sql`SELECT FROM scheme WHERE scheme_id = ${asked.scheme_id} FOR UPDATE`);
    // Another process that took the run over has done all this.
    const { state } = await tx.one<{ state: number }>(sql`
      SELECT state FROM scheme_run WHERE run_id = ${run.run_id}::uuid FOR UPDATE`);
    if (state > 2) return;
    // One that was killed behind this transaction has done this much.
    const now = await findSchemeVersion(tx, everything, schemeVersionName(asked));
    if (now.state === published) return;
    const versions = await findSchemeVersions(tx, everything, asked.scheme_id);
    const row = now;
    assertState(row, approved);
    const at = clock.now();
    const by = run.created_by;
    await tx.run(sql`
      UPDATE scheme_version SET state = 4, retire_time = ${at} WHERE scheme_id = ${row.scheme_id} AND state = 3`);
    await tx.run(sql`
      UPDATE scheme_version SET state = 3, publish_time = ${at}
      WHERE scheme_id = ${row.scheme_id} AND version = ${row.version}`);
    gone = await retireGroups(tx, deps, row.scheme_id, { except: groupIds, by });
    for (const segment of rows) {
      if (segment.state !== approved) continue;
      const known = await findVersions(tx, everything, segment.segment_id);
      const before = known.find((one) => one.state === published);
      await publishVersion(tx, deps, { row: segment, before, by });
    }
    await audit(tx, systemCaller('segmentation', 'PublishScheme'), {
      resource: [schemeVersionName(row), `schemeRuns/${run.run_id}`],
      change: { state: 'published', retired: versions.find((one) => one.state === published)?.version },
    });
  });
  await settleMembers(deps, [...groupIds, ...gone], signal);
  await db.system.run(sql`
    UPDATE scheme_run SET state = 3, finish_time = ${clock.now()}, steps_done = steps_total
    WHERE run_id = ${run.run_id}::uuid AND state <= 2`);
}

/** Whether a rule names one of these groups of a scheme. */
function namesGroup(rule: Rule, schemeId: string, groups: ReadonlySet<unknown>): boolean {
  return leavesOf(rule).some((leaf) => {
    if (leaf.kind !== 'compare' && leaf.kind !== 'in') return false;
    const { left } = leaf;
    if (!('feature' in left) || left.feature.key !== 'scheme.group' || left.feature.args['scheme'] !== schemeId)
      return false;
    if (leaf.kind === 'in') return leaf.values.some((value) => groups.has(value));
    return 'value' in leaf.right && groups.has(leaf.right.value);
  });
}

/** Refuses while rules of other segments in use ask for groups that go, or for anything of a scheme that goes. */
async function assertNotAsked(tx: Tx, schemeId: string, gone: readonly string[], whole: boolean): Promise<void> {
  const own = await tx.rows<{ id: string }>(sql`SELECT segment_id AS id FROM segment WHERE scheme_id = ${schemeId}`);
  const ownIds = new Set(own.map(({ id }) => id));
  const ids = new Set<unknown>(gone);
  const groups = new Set<unknown>(gone.map((id) => id.slice(schemeId.length + 1)));
  const asking = [...(await segmentsInUse(tx))].filter(
    ([id, { rule }]) =>
      !ownIds.has(id) &&
      (segmentsOf(rule).some((one) => ids.has(one)) ||
        (whole ? schemesOf(rule).includes(schemeId) : namesGroup(rule, schemeId, groups))),
  );
  if (asking.length === 0) return;
  const segments = asking.map(([id]) => `segments/${id}`).join(', ');
  throw fail('SEGMENT_IN_USE', {
    metadata: { scheme: `schemes/${schemeId}`, segments },
    violations: [{ field: 'name', description: `the rules of these segments ask for its groups: ${segments}` }],
  });
}

/**
 * Retires the segments in use of a scheme's groups, all or all but some; gives their ids, for `settleMembers` to follow.
 * Throws SEGMENT_IN_USE while campaigns send to one of them, or the rules of other segments ask for it.
 */
export async function retireGroups(
  tx: Tx,
  deps: Pick<Deps, 'clock'>,
  schemeId: string,
  { except, by }: { except?: readonly string[]; by: string },
): Promise<string[]> {
  const gone = await tx.rows<{ segment_id: string; version: number }>(sql`
    SELECT v.segment_id, v.version FROM segment s JOIN segment_version v USING (segment_id)
    WHERE s.scheme_id = ${schemeId} AND v.state = 3 AND s.segment_id <> ALL(${[...(except ?? [])]}::text[])
    ORDER BY v.segment_id`);
  const ids = gone.map((row) => row.segment_id);
  if (ids.length > 0) await assertNotAsked(tx, schemeId, ids, except === undefined);
  for (const { segment_id: segmentId, version } of gone) {
    const row = await findVersion(tx, everything, versionName(segmentId, version));
    await retireVersion(tx, row, by, deps.clock.now());
  }
  return ids;
}
