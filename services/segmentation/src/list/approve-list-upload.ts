import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type ApproveListUploadRequest,
  ApproveListUploadResponse,
  ListUploadState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { dateText, today } from '../segment/segment.js';
import {
  assertOpen,
  assertUnchanged,
  beginApplying,
  findUpload,
  lockUpload,
  uploadMessage,
  wasDone,
} from './upload.js';

/**
 * Approves an upload in the name of the caller, who must neither have sent it nor asked for it to be applied; it is then
 * applied. Throws UPLOAD_NOT_FOUND, FOUR_EYES, UPLOAD_STATE, LIST_CHANGED, LIST_RETIRED.
 */
export async function approveListUpload(
  deps: Deps,
  request: ApproveListUploadRequest,
  call: Call,
): Promise<ApproveListUploadResponse> {
  const { name } = request;
  return idempotent(deps.db, call, request, ApproveListUploadResponse, async (tx) => {
    const row = await lockUpload(tx, call.scope, name);
    wasDone(row, 'approve');
    const by = call.principal.subject;
    if (by === row.created_by || by === row.applied_by) throw fail('FOUR_EYES', { metadata: { upload: name } });
    assertOpen(row);
    assertUnchanged(row);
    const at = deps.clock.now();
    await tx.run(sql`
      UPDATE list_upload SET approved_by = ${by}, approve_time = ${at}
      WHERE list_id = ${row.list_id} AND upload_id = ${row.upload_id}::uuid`);
    await beginApplying(tx, row, dateText(today(deps)), at);
    const now = await findUpload(tx, call.scope, name);
    await audit(tx, call, {
      resource: name,
      change: { state: ListUploadState[now.state], version: now.version ?? undefined },
    });
    return { upload: uploadMessage(now) };
  });
}
