import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type ApproveSegmentVersionRequest,
  ApproveSegmentVersionResponse,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { lockVersion, stateAfter, wrongState } from '../lifecycle/lifecycle.js';
import { findVersion, versionMessage } from './segment.js';

/**
 * Approves a draft in the name of the caller, who must not be its author. What was said against it before is settled by
 * that. Throws SEGMENT_NOT_FOUND, FOUR_EYES, SEGMENT_STATE.
 */
export async function approveSegmentVersion(
  { db, clock }: Deps,
  request: ApproveSegmentVersionRequest,
  call: Call,
): Promise<ApproveSegmentVersionResponse> {
  return idempotent(db, call, request, ApproveSegmentVersionResponse, async (tx) => {
    const row = await lockVersion(tx, await findVersion(tx, call.scope, request.name));
    const approver = call.principal.subject;
    if (row.created_by === approver) throw fail('FOUR_EYES', { metadata: { segment: request.name } });
    const next = stateAfter(row.state, 'approve');
    if (next === undefined) throw wrongState(row);
    if (next !== 'unchanged') {
      const at = clock.now();
      await tx.run(sql`
        WITH approved AS (
          UPDATE segment_version SET state = ${next}, approved_by = ${approver}, approve_time = ${at}, rejected_by = '',
            reject_time = NULL, reject_reason = ''
          WHERE segment_id = ${row.segment_id} AND version = ${row.version} RETURNING segment_id)
        UPDATE segment SET update_time = ${at} FROM approved WHERE segment.segment_id = approved.segment_id`);
    }
    await audit(tx, call, {
      resource: request.name,
      change: { state: SegmentState[SegmentState.SEGMENT_STATE_APPROVED] },
    });
    return { version: versionMessage(await findVersion(tx, everything, request.name)) };
  });
}
