import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListMatchRunsRequest, ListMatchRunsResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { runColumns, runMessage, type RunRow } from './runs.js';

/** Lists runs, the newest first; their counts are nobody's personal data. */
export async function listMatchRuns(
  deps: Deps,
  request: ListMatchRunsRequest,
  call: Call,
): Promise<ListMatchRunsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'date', 'uuid');
  const wanted = [scopeFilter(call.scope, { path: 'organisation_path' })];
  if (request.organisationPath !== '') {
    wanted.push(scopeFilter({ kind: 'rows', subtree: request.organisationPath }, { path: 'organisation_path' }));
  }
  if (request.state !== 0) wanted.push(sql`state = ${request.state}`);
  if (after) wanted.push(sql`(create_time, run_id) < (${after[0]}, ${after[1]}::uuid)`);
  const rows = await deps.db.scoped(call.scope).rows<RunRow>(sql`
    SELECT ${runColumns} FROM match_run WHERE ${sql.join(wanted, ' AND ')}
    ORDER BY create_time DESC, run_id DESC LIMIT ${size + 1}`);
  const last = rows.at(size - 1);
  return {
    matchRuns: rows.slice(0, size).map(runMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.createTime, last.runId]) : '',
  };
}
