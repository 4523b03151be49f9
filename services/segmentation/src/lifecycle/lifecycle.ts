import { sql, type Tx } from '@rapport/kit/db';
import { MembershipReason, SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { applyCandidates, type Candidates, dismissMembers } from '../membership/membership.js';
import { dayOf, findVersion, today, type VersionRow, versionName } from '../segment/segment.js';

const {
  SEGMENT_STATE_DRAFT: draft,
  SEGMENT_STATE_APPROVED: approved,
  SEGMENT_STATE_PUBLISHED: published,
  SEGMENT_STATE_RETIRED: retired,
} = SegmentState;

/** What may be done to a version. */
export type Step = 'approve' | 'reject' | 'publish' | 'retire';

const steps: Readonly<Record<Step, { from: readonly SegmentState[]; to: SegmentState }>> = {
  approve: { from: [draft], to: approved },
  reject: { from: [draft, approved], to: draft },
  publish: { from: [approved], to: published },
  retire: { from: [draft, approved, published], to: retired },
};

/**
 * Where a version stands after a step; `unchanged` when the step was done before. Undefined when it is not possible: a
 * version goes from draft over approved and published to retired, back to draft only by a rejection, and never on from
 * retired.
 */
export function stateAfter(state: SegmentState, step: Step): SegmentState | 'unchanged' | undefined {
  const { from, to } = steps[step];
  if (state === to && step !== 'reject') return 'unchanged';
  // What is in use was approved.
  if (step === 'approve' && state === published) return 'unchanged';
  return from.includes(state) ? to : undefined;
}

/** The failure for a step that is not possible where the version stands. */
export function wrongState(row: VersionRow): Error {
  const state = (SegmentState[row.state] ?? '').replace('SEGMENT_STATE_', '').toLowerCase();
  return fail('SEGMENT_STATE', { metadata: { segment: versionName(row.segment_id, row.version), state } });
}

/**
 * The versions of a segment as they stand, locked until the transaction ends: whoever takes a step with one of them
 * waits here for the others. Throws SEGMENT_NOT_FOUND.
 */
export async function lockVersion(tx: Tx, asked: VersionRow): Promise<VersionRow> {
  await tx.run(sql`SELECT FROM segment WHERE segment_id = ${asked.segment_id} FOR UPDATE`);
  return findVersion(tx, { kind: 'everything' }, versionName(asked.segment_id, asked.version));
}

/** Refuses while campaigns send to the version, and names up to twenty of them. Throws SEGMENT_IN_USE. */
async function assertUnused(tx: Tx, { segment_id: segmentId, version }: VersionRow): Promise<void> {
  const users = await tx.rows<{ id: string }>(sql`
    SELECT campaign_id AS id FROM campaign_use
    WHERE segment_id = ${segmentId} AND version = ${version} AND active ORDER BY change_time, campaign_id LIMIT 20`);
  if (users.length === 0) return;
  const campaigns = users.map(({ id }) => `campaigns/${id}`).join(', ');
  throw fail('SEGMENT_IN_USE', {
    metadata: { segment: versionName(segmentId, version), campaigns },
    violations: [{ field: 'name', description: `these campaigns send to it: ${campaigns}` }],
  });
}

/** Takes a version out of use, with an event for each who leaves. Throws SEGMENT_IN_USE. */
export async function retireVersion(tx: Tx, deps: Deps, row: VersionRow, by: string, at: Date): Promise<void> {
  await assertUnused(tx, row);
  await tx.run(sql`
    UPDATE segment_version SET state = ${retired}, retired_by = ${by}, retire_time = ${at}
    WHERE segment_id = ${row.segment_id} AND version = ${row.version}`);
  if (row.state === published) await dismissMembers(tx, row, dayOf(row.as_of) ?? today(deps), at);
}

/**
 * Puts an approved version into use in the caller's transaction, with an event for each who comes in; the version in use
 * before is retired. `candidates` were collected before the transaction. Throws SEGMENT_IN_USE.
 */
export async function publishVersion(
  tx: Tx,
  deps: Deps,
  {
    row,
    before,
    candidates,
    by,
  }: { row: VersionRow; before: VersionRow | undefined; candidates: Candidates; by: string },
): Promise<void> {
  const at = deps.clock.now();
  if (before) await retireVersion(tx, deps, before, by, at);
  await tx.run(sql`
    WITH used AS (
      UPDATE segment_version SET state = ${published}, publish_time = ${at}, published_by = ${by}
      WHERE segment_id = ${row.segment_id} AND version = ${row.version} RETURNING segment_id)
    UPDATE segment SET update_time = ${at} FROM used WHERE segment.segment_id = used.segment_id`);
  await applyCandidates(tx, row, candidates, MembershipReason.MEMBERSHIP_REASON_PUBLISHED, at);
}
