import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import { type CreateListUploadRequest, CreateListUploadResponse, ListUploadMode } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { findOpenList } from './list.js';
import { findUpload, uploadMessage } from './upload.js';

/** Begins an upload; its rows follow. Throws LIST_NOT_FOUND, LIST_RETIRED. */
export async function createListUpload(
  deps: Deps,
  request: CreateListUploadRequest,
  call: Call,
): Promise<CreateListUploadResponse> {
  const { mode, fileName, checksum, expectedRows } = request;
  return idempotent(deps.db, call, request, CreateListUploadResponse, async (tx) => {
    const list = await findOpenList(tx, call.scope, request.parent);
    const [uploadId, at] = [uuidv7(), deps.clock.now()];
    await tx.run(sql`
      INSERT INTO list_upload (list_id, upload_id, mode, file_name, checksum, expected_rows, created_by, create_time,
        change_time)
      VALUES (${list.list_id}, ${uploadId}::uuid, ${mode}, ${fileName}, ${checksum}, ${expectedRows},
        ${call.principal.subject}, ${at}, ${at})`);
    const name = `${request.parent}/uploads/${uploadId}`;
    await audit(tx, call, { resource: [request.parent, name], change: { mode: ListUploadMode[mode], checksum } });
    return { upload: uploadMessage(await findUpload(tx, call.scope, name)) };
  });
}
