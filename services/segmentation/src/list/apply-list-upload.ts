import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type ApplyListUploadRequest, ApplyListUploadResponse, ListUploadState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
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
import { usersOf } from './users.js';

/**
 * Lets a checked upload change its list (`apply-uploads.ts`); where something in use asks for the list, another person
 * has to approve it first. Throws UPLOAD_NOT_FOUND, UPLOAD_STATE, LIST_CHANGED, LIST_RETIRED.
 */
export async function applyListUpload(
  deps: Deps,
  request: ApplyListUploadRequest,
  call: Call,
): Promise<ApplyListUploadResponse> {
  const { name } = request;
  return idempotent(deps.db, call, request, ApplyListUploadResponse, async (tx) => {
    const row = await lockUpload(tx, call.scope, name);
    wasDone(row, 'apply');
    assertOpen(row);
    assertUnchanged(row);
    const at = deps.clock.now();
    const { any: guarded } = await usersOf(tx, call.scope, row.list_id);
    await tx.run(sql`
      UPDATE list_upload SET applied_by = ${call.principal.subject}, change_time = ${at},
        state = ${ListUploadState.LIST_UPLOAD_STATE_WAITING}
      WHERE list_id = ${row.list_id} AND upload_id = ${row.upload_id}::uuid`);
    if (!guarded) await beginApplying(tx, row, dateText(today(deps)), at);
    const now = await findUpload(tx, call.scope, name);
    await audit(tx, call, {
      resource: name,
      change: { state: ListUploadState[now.state], version: now.version ?? undefined },
    });
    return { upload: uploadMessage(now) };
  });
}
