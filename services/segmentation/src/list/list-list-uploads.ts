import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import {
  type ListListUploadsRequest,
  type ListListUploadsResponse,
  ListUploadState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { findList } from './list.js';
import { uploadMessage, type UploadRow, uploadRows } from './upload.js';

const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Gives the uploads of a list, the newest first. Throws LIST_NOT_FOUND. */
export async function listListUploads(
  { db }: Deps,
  request: ListListUploadsRequest,
  call: Call,
): Promise<ListListUploadsResponse> {
  const { state, checksum } = request;
  const size = pageSize(request);
  // Their ids grow with time.
  const [before] = decodePage(call, request, 'uuid') ?? [LAST];
  const on = db.scoped(call.scope);
  const { list_id: listId } = await findList(on, call.scope, request.parent);
  const rows = await on.rows<UploadRow>(sql`${uploadRows}
    WHERE u.list_id = ${listId} AND u.upload_id < ${before}::uuid
      AND (${state} = ${ListUploadState.LIST_UPLOAD_STATE_UNSPECIFIED} OR u.state = ${state})
      AND (${checksum} = '' OR u.checksum = ${checksum})
    ORDER BY u.upload_id DESC LIMIT ${size + 1}`);
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    uploads: page.map(uploadMessage),
    nextPageToken: rows.length > size && last ? encodePage(call, request, [last.upload_id]) : '',
  };
}
