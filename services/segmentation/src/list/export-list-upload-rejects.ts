import type { Call } from '@rapport/kit/rpc';
import {
  type ExportListUploadRejectsRequest,
  type ExportListUploadRejectsResponse,
  ListRejectReason,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { rejectsAfter } from './rejects.js';
import { findUpload } from './upload.js';

/** Rejects of one message: well below its limit. */
const PIECE = 2000;

/** A cell by RFC 4180; what a spreadsheet would take for a formula is led by an apostrophe. */
function cell(value: string | bigint): string {
  const text = String(value);
  const safe = /^[=+\-@\t\r]/.test(text) && typeof value === 'string' ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Sends the rows of an upload that were not taken as CSV, piece by piece. Throws UPLOAD_NOT_FOUND. */
export async function* exportListUploadRejects(
  deps: Deps,
  request: ExportListUploadRejectsRequest,
  call: Call,
): AsyncGenerator<ExportListUploadRejectsResponse, void, undefined> {
  const on = deps.db.scoped(call.scope);
  const upload = await findUpload(on, call.scope, request.name);
  await deps.reads.record(call, [request.name]);
  yield {
    chunk: Buffer.from('file,line,field,reason,original_value\r\n'),
    fileName: `${upload.list_id}.rejects.csv`,
  };
  for (let after = -1; ; ) {
    const rows = await rejectsAfter(on, upload.upload_id, after, PIECE);
    const text = rows.map(({ line, field, reason, value }) =>
      [upload.file_name, line, field, (ListRejectReason[reason] ?? '').replace('LIST_REJECT_REASON_', ''), value]
        .map(cell)
        .join(','),
    );
    const last = rows.at(-1);
    if (!last) return;
    yield { chunk: Buffer.from(text.map((one) => `${one}\r\n`).join('')), fileName: '' };
    after = Number(last.row);
  }
}
