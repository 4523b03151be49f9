import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type Tx } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import { logger } from '@rapport/kit/runtime';
import { SegmentState } from '@rapport/proto/segmentation/v1';
import { campaignsOf } from '../campaign/campaign.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertListsOpen } from '../list/list.js';
import { askForPass, dismissMembers, fillVersions, lockUse } from '../membership/membership.js';
import { listsOf, readRule } from '../rule/rule.js';
import { dependentsOf, findVersion, type VersionRow, versionName, versionRows } from '../segment/segment.js';

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
 * waits here for the others. The segments of a scheme's groups live with it. Throws SEGMENT_NOT_FOUND, SEGMENT_OF_SCHEME.
 */
export async function lockVersion(tx: Tx, asked: VersionRow): Promise<VersionRow> {
  await tx.run(sql`SELECT FROM segment WHERE segment_id = ${asked.segment_id} FOR UPDATE`);
  if (asked.scheme_id !== null) {
    const scheme = `schemes/${asked.scheme_id}`;
    throw fail('SEGMENT_OF_SCHEME', {
      metadata: { scheme },
      violations: [{ field: 'name', description: `it lives with ${scheme}: take the step with that` }],
    });
  }
  return findVersion(tx, { kind: 'everything' }, versionName(asked.segment_id, asked.version));
}

/** Refuses while campaigns send to the version or are about to, and names up to twenty of them. Throws SEGMENT_IN_USE. */
async function assertUnused(tx: Tx, row: VersionRow, at: Date): Promise<void> {
  const users = await campaignsOf(tx, row, at);
  if (users.length === 0) return;
  const campaigns = users.join(', ');
  throw fail('SEGMENT_IN_USE', {
    metadata: { segment: versionName(row.segment_id, row.version), campaigns },
    violations: [{ field: 'name', description: `these campaigns send to it: ${campaigns}` }],
  });
}

/** Takes a version out of use; `settleMembers` is to follow the transaction. Throws SEGMENT_IN_USE. */
export async function retireVersion(tx: Tx, row: VersionRow, by: string, at: Date): Promise<void> {
  await assertUnused(tx, row, at);
  await tx.run(sql`
    UPDATE segment_version SET state = ${retired}, retired_by = ${by}, retire_time = ${at}
    WHERE segment_id = ${row.segment_id} AND version = ${row.version}`);
}

/**
 * Puts an approved version into use in the caller's transaction; the version in use before is retired. `settleMembers` is
 * to follow the transaction: without it the members come and go within seconds. Throws SEGMENT_IN_USE, LIST_RETIRED.
 */
export async function publishVersion(
  tx: Tx,
  deps: Deps,
  { row, before, by }: { row: VersionRow; before: VersionRow | undefined; by: string },
): Promise<void> {
  const at = deps.clock.now();
  if (before) await retireVersion(tx, before, by, at);
  await lockUse(tx);
  const read = readRule(row.rule);
  if ('rule' in read) await assertListsOpen(tx, listsOf(read.rule));
  await tx.run(sql`
    WITH used AS (
      UPDATE segment_version SET state = ${published}, publish_time = ${at}, published_by = ${by}
      WHERE segment_id = ${row.segment_id} AND version = ${row.version} RETURNING segment_id)
    UPDATE segment SET update_time = ${at} FROM used WHERE segment.segment_id = used.segment_id`);
  await askForPass(tx, await dependentsOf(tx, row.segment_id));
}

/**
 * Lets the members of retired versions of segments leave and gives the versions in use their own, all in one pass, with an
 * event for each. What it does not finish, the service does by itself.
 */
export async function settleMembers(deps: Deps, segmentIds: readonly string[], signal?: AbortSignal): Promise<void> {
  const versions = await deps.db.system.rows<VersionRow>(sql`${versionRows}
    WHERE s.segment_id = ANY(${[...segmentIds]}::text[]) AND (v.state = ${published} OR v.members > 0)
    ORDER BY s.segment_id, v.version`);
  for (const row of versions.filter(({ state }) => state === retired)) await dismissMembers(deps, row);
  const used = versions.filter(({ state }) => state === published);
  await fillVersions(deps, used, signal);
}

/** What is left of the time of a call for its answer. */
const ANSWER_MS = 1_000;

/**
 * The same for a call: waits for it as long as the call may take, and lets it go on behind the answer when there are more
 * members than that.
 */
export async function settleInTime(deps: Deps, segmentId: string, { deadline }: Pick<Call, 'deadline'>): Promise<void> {
  const settled = settleMembers(deps, [segmentId]);
  settled.catch((error: unknown) => logger.warn({ err: error, segment: segmentId }, 'members wait for the next pass'));
  const left = Math.max(0, deadline.getTime() - Date.now() - ANSWER_MS);
  await Promise.race([settled, sleep(left, undefined, { ref: false })]);
}
