import type { Call } from '@rapport/kit/rpc';
import type { GetListUploadRequest, GetListUploadResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { findUpload, uploadMessage } from './upload.js';

/** Gives an upload and how far it is. Throws UPLOAD_NOT_FOUND. */
export async function getListUpload(
  { db }: Deps,
  request: GetListUploadRequest,
  call: Call,
): Promise<GetListUploadResponse> {
  return { upload: uploadMessage(await findUpload(db.scoped(call.scope), call.scope, request.name)) };
}
