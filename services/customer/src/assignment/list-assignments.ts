import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { Assignment, ListAssignmentsRequest, ListAssignmentsResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty } from '../party/party.js';

interface FormerRecord {
  endTime: Date;
  formerManager: string;
  formerPath: string;
  formerBranch: string;
  reason: string;
}

interface Current {
  manager: string;
  organisationPath: string;
  branch: string;
  createTime: Date;
}

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
    SELECT end_time AS "endTime", former_manager AS "formerManager", former_path AS "formerPath",
      former_branch AS "formerBranch", reason
    FROM former_assignment
    WHERE party_id = ${partyId} ${before ? sql`AND end_time <= ${before}` : sql.empty}
    ORDER BY end_time DESC LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/assignments`);
  const starts = (index: number) => ({
    startTime: rows[index]?.endTime ?? current.createTime,
    reason: rows[index]?.reason ?? '',
  });
  const former: Assignment[] = rows.map((row, index) => ({
    relationshipManager: row.formerManager,
    organisationPath: row.formerPath,
    branch: row.formerBranch,
    endTime: row.endTime,
    ...starts(index + 1),
  }));
  const { manager, organisationPath, branch } = current;
  const now: Assignment = { relationshipManager: manager, organisationPath, branch, endTime: undefined, ...starts(0) };
  const all = before ? former : [now, ...former];
  const next = all[size]?.endTime;
  return { assignments: all.slice(0, size), nextPageToken: next ? encodePage(call, request, [next]) : '' };
}
