import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListListUploadRejectsRequest, ListListUploadRejectsResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { rejectsAfter } from './rejects.js';
import { findUpload } from './upload.js';

/** Gives the rows of an upload that were not taken, as they stand in the file. Throws UPLOAD_NOT_FOUND. */
export async function listListUploadRejects(
  deps: Deps,
  request: ListListUploadRejectsRequest,
  call: Call,
): Promise<ListListUploadRejectsResponse> {
  const size = pageSize(request);
  const [after] = decodePage(call, request, 'number') ?? [-1];
  const on = deps.db.scoped(call.scope);
  const { upload_id: uploadId } = await findUpload(on, call.scope, request.parent);
  const rows = await rejectsAfter(on, uploadId, after, size + 1);
  await deps.reads.record(call, [request.parent]);
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    rejects: page.map(({ line, field, value, reason }) => ({ line, field, value, reason })),
    nextPageToken: rows.length > size && last ? encodePage(call, request, [Number(last.row)]) : '',
  };
}
