import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListDataSubjectRequestsRequest, ListDataSubjectRequestsResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { requestColumns, requestMessage, requestName, type RequestRow, requestsSeen } from './request.js';

/** Lists requests, those due first at the top. */
export async function listDataSubjectRequests(
  deps: Deps,
  request: ListDataSubjectRequestsRequest,
  call: Call,
): Promise<ListDataSubjectRequestsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'date', 'uuid');
  const on = deps.db.scoped(call.scope);
  const party = request.party.slice('parties/'.length);
  const rows = await on.rows<RequestRow>(sql`
    SELECT ${requestColumns} FROM data_subject_request
    WHERE ${requestsSeen(call.scope)}
      ${party === '' ? sql.empty : sql`AND ${party}::uuid = ANY(members)`}
      ${request.open ? sql`AND state IN (1, 2)` : sql.empty}
      ${after ? sql`AND (due_time, request_id) > (${after[0]}, ${after[1]}::uuid)` : sql.empty}
    ORDER BY due_time, request_id LIMIT ${size + 1}`);
  const page = rows.slice(0, size);
  await deps.reads.record(
    call,
    page.map(({ requestId }) => requestName(requestId)),
  );
  const now = deps.clock.now();
  const last = page.at(-1);
  return {
    dataSubjectRequests: await Promise.all(page.map((row) => requestMessage(on, row, now))),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.dueTime, last.requestId]) : '',
  };
}
