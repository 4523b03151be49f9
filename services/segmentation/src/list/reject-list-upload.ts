import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type RejectListUploadRequest,
  RejectListUploadResponse,
  ListUploadState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { findUpload, lockUpload, uploadMessage, wasDone } from './upload.js';

/** Sends an upload that waits for approval back with a reason; it changes nothing. Whoever sent it may do so as well. Throws UPLOAD_NOT_FOUND, UPLOAD_STATE. */
export async function rejectListUpload(
  deps: Deps,
  request: RejectListUploadRequest,
  call: Call,
): Promise<RejectListUploadResponse> {
  const { name } = request;
  const state = ListUploadState.LIST_UPLOAD_STATE_REJECTED;
  return idempotent(deps.db, call, request, RejectListUploadResponse, async (tx) => {
    const row = await lockUpload(tx, call.scope, name);
    if (!wasDone(row, 'reject')) {
      const at = deps.clock.now();
      const by = call.principal.subject;
      await tx.run(sql`
        UPDATE list_upload SET state = ${state}, rejected_by = ${by}, reject_reason = ${request.reason}, change_time = ${at},
          complete_time = ${at}
        WHERE list_id = ${row.list_id} AND upload_id = ${row.upload_id}::uuid`);
    }
    await audit(tx, call, { resource: name, change: { state: ListUploadState[state] } });
    return { upload: uploadMessage(await findUpload(tx, call.scope, name)) };
  });
}
