import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListImportRejectsRequest, ListImportRejectsResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { findImport } from './find.js';
import { rejectColumns, rejectMessage } from './rejects.js';

/** Lists the rows that an import refused, by line, with their original values. */
export async function listImportRejects(
  deps: Deps,
  request: ListImportRejectsRequest,
  call: Call,
): Promise<ListImportRejectsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'bigint', 'number');
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const run = await findImport(on, request.parent, scope);
  const rows = await on.rows<Parameters<typeof rejectMessage>[0] & { ordinal: number }>(sql`
    SELECT ${rejectColumns}, ordinal FROM import_reject
    WHERE import_id = ${run.importId} ${after ? sql`AND (line, ordinal) > (${after[0]}, ${after[1]}::int)` : sql.empty}
    ORDER BY line, ordinal LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/rejects`);
  const last = rows.at(size - 1);
  return {
    rejects: rows.slice(0, size).map((row) => rejectMessage(row, run.file)),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.line, last.ordinal]) : '',
  };
}
