import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type CancelListUploadRequest,
  CancelListUploadResponse,
  ListUploadState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { findUpload, lockUpload, uploadMessage, wasDone } from './upload.js';

/** Gives an upload up that is not applied yet; it changes nothing. Throws UPLOAD_NOT_FOUND, UPLOAD_STATE. */
export async function cancelListUpload(
  deps: Deps,
  request: CancelListUploadRequest,
  call: Call,
): Promise<CancelListUploadResponse> {
  const { name } = request;
  const state = ListUploadState.LIST_UPLOAD_STATE_CANCELLED;
  return idempotent(deps.db, call, request, CancelListUploadResponse, async (tx) => {
    const row = await lockUpload(tx, call.scope, name);
    if (!wasDone(row, 'cancel')) {
      const at = deps.clock.now();
      await tx.run(sql`
        UPDATE list_upload SET state = ${state}, change_time = ${at}, complete_time = ${at}
        WHERE list_id = ${row.list_id} AND upload_id = ${row.upload_id}::uuid`);
    }
    await audit(tx, call, { resource: name, change: { state: ListUploadState[state] } });
    return { upload: uploadMessage(await findUpload(tx, call.scope, name)) };
  });
}
