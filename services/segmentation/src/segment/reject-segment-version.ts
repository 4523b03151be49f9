import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type RejectSegmentVersionRequest,
  RejectSegmentVersionResponse,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { lockVersion, stateAfter, wrongState } from '../lifecycle/lifecycle.js';
import { findVersion, versionMessage } from './segment.js';

/** Sends a draft or an approved version back to its author with a reason. Throws SEGMENT_NOT_FOUND, SEGMENT_STATE. */
export async function rejectSegmentVersion(
  { db, clock }: Deps,
  request: RejectSegmentVersionRequest,
  call: Call,
): Promise<RejectSegmentVersionResponse> {
  return idempotent(db, call, request, RejectSegmentVersionResponse, async (tx) => {
    const row = await lockVersion(tx, await findVersion(tx, call.scope, request.name));
    const next = stateAfter(row.state, 'reject');
    if (next === undefined) throw wrongState(row);
    const at = clock.now();
    await tx.run(sql`
      WITH rejected AS (
        UPDATE segment_version SET state = ${SegmentState.SEGMENT_STATE_DRAFT}, rejected_by = ${call.principal.subject},
          reject_time = ${at}, reject_reason = ${request.reason}, approved_by = '', approve_time = NULL
        WHERE segment_id = ${row.segment_id} AND version = ${row.version} RETURNING segment_id)
      UPDATE segment SET update_time = ${at} FROM rejected WHERE segment.segment_id = rejected.segment_id`);
    await audit(tx, call, {
      resource: request.name,
      change: { state: SegmentState[SegmentState.SEGMENT_STATE_DRAFT], from: SegmentState[row.state] },
    });
    return { version: versionMessage(await findVersion(tx, everything, request.name)) };
  });
}
