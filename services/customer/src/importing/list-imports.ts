import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListImportsRequest, ListImportsResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { importColumns, importMessage, type ImportRecord } from './importing.js';

/** Lists imports, newest first. */
export async function listImports(deps: Deps, request: ListImportsRequest, call: Call): Promise<ListImportsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'date', 'uuid');
  const wanted = [scopeFilter(call.scope, { path: 'organisation_path' })];
  if (request.organisationPath !== '') {
    wanted.push(scopeFilter({ kind: 'rows', subtree: request.organisationPath }, { path: 'organisation_path' }));
  }
  if (request.source !== '') wanted.push(sql`source = ${request.source}`);
  if (after) wanted.push(sql`(create_time, import_id) < (${after[0]}, ${after[1]}::uuid)`);
  const rows = await deps.db.scoped(call.scope).rows<ImportRecord>(sql`
    SELECT ${importColumns} FROM import_run WHERE ${sql.join(wanted, ' AND ')}
    ORDER BY create_time DESC, import_id DESC LIMIT ${size + 1}`);
  const last = rows.at(size - 1);
  return {
    imports: rows.slice(0, size).map(importMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.createTime, last.importId]) : '',
  };
}
