import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListBehaviourChangesRequest, ListBehaviourChangesResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { assertParty, membersOf } from '../party/party.js';
import { changeColumns, changeMessage, type ChangeRecord } from './records.js';

/** Lists how a party's behaviour departed from what was usual, newest first; ids are made in the order of time. */
export async function listBehaviourChanges(
  deps: Deps,
  request: ListBehaviourChangesRequest,
  call: Call,
): Promise<ListBehaviourChangesResponse> {
  const size = pageSize(request);
  const before = decodePage(call, request, 'uuid')?.[0] ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const members = membersOf(await assertParty(on, request.parent, scope));
  const rows = await on.rows<ChangeRecord>(sql`
    SELECT ${changeColumns} FROM unnest(${members}::uuid[]) AS member (id) CROSS JOIN LATERAL (
      SELECT * FROM behaviour_change c WHERE c.party_id = member.id AND c.change_id < ${before}
        AND ${seen(scope, 'c')}
      ORDER BY c.change_id DESC LIMIT ${size + 1}) c
    ORDER BY c.change_id DESC LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/behaviourChanges`);
  const last = rows.at(size - 1);
  return {
    behaviourChanges: rows.slice(0, size).map(changeMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.changeId]) : '',
  };
}
