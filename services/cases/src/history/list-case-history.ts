import { sql, within } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListCaseHistoryRequest, ListCaseHistoryResponse } from '@rapport/proto/cases/v1';
import { findCase } from '../case/case.js';
import type { Deps } from '../deps.js';
import { type HistoryRow, historyMessage } from './history.js';

const FIRST = '00000000-0000-0000-0000-000000000000';

/** Lists what happened to a case, oldest recorded first. */
export async function listCaseHistory(
  deps: Deps,
  request: ListCaseHistoryRequest,
  call: Call,
): Promise<ListCaseHistoryResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'uuid')?.[0] ?? FIRST;
  const db = deps.db.scoped(call.scope);
  const owner = await findCase(db, call.scope, request.parent);
  const rows = await db.rows<HistoryRow>(sql`
    SELECT case_id AS "caseId", entry_id AS "entryId", actor, occur_time AS "occurTime", record_time AS "recordTime",
      kind, detail
    FROM case_history WHERE case_id = ${owner.caseId} AND entry_id > ${after}::uuid
    ORDER BY entry_id LIMIT ${size + 1}`);
  const shown = rows.slice(0, size);
  await deps.reads.record(call, request.parent);
  const told = within(scopeFor(call, 'C2'), owner.organisationPath, owner.assignee);
  const last = shown.at(-1);
  return {
    entries: shown.map((row) => historyMessage(row, told)),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.entryId]) : '',
  };
}
