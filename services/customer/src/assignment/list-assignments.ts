import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListAssignmentsRequest, ListAssignmentsResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty } from '../party/party.js';
import { assignmentsOf, type Current, formerColumns, type FormerRecord } from './assignment.js';

/**
 * Lists who looked after a party and where, newest first: who does now, then those before. A row says until when
 * somebody did and why the next one took over, so each assignment begins where the row before it in time ends.
 */
export async function listAssignments(
  deps: Deps,
  request: ListAssignmentsRequest,
  call: Call,
): Promise<ListAssignmentsResponse> {
  const size = pageSize(request);
  const before = decodePage(call, request, 'date')?.[0];
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const { partyId } = await assertParty(on, request.parent, scope);
  const current = await on.one<Current>(sql`
    SELECT manager, organisation_path AS "organisationPath", branch, create_time AS "createTime"
    FROM party WHERE party_id = ${partyId}`);
  // One row more says where the oldest of the page begins, and whether there are others.
  const rows = await on.rows<FormerRecord>(sql`
    SELECT ${formerColumns} FROM former_assignment f
    WHERE party_id = ${partyId} ${before ? sql`AND end_time <= ${before}` : sql.empty}
    ORDER BY end_time DESC LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/assignments`);
  const all = assignmentsOf(current, rows, before ? 'former' : 'now');
  const next = all[size]?.endTime;
  return { assignments: all.slice(0, size), nextPageToken: next ? encodePage(call, request, [next]) : '' };
}
