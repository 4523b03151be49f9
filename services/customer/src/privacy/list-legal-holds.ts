import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListLegalHoldsRequest, ListLegalHoldsResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty, membersOf } from '../party/party.js';
import { holdColumns, holdMessage, type HoldRow } from './hold.js';

/** Lists the holds that were placed on a party, those placed last first. */
export async function listLegalHolds(
  deps: Deps,
  request: ListLegalHoldsRequest,
  call: Call,
): Promise<ListLegalHoldsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'uuid');
  const party = await assertParty(deps.db.scoped(call.scope), request.parent, call.scope);
  const rows = await deps.db.unprotected.rows<HoldRow>(sql`
    SELECT ${holdColumns} FROM legal_hold
    WHERE party_id = ANY(${membersOf(party)}::uuid[]) ${after ? sql`AND hold_id < ${after[0]}::uuid` : sql.empty}
    ORDER BY hold_id DESC LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/legalHolds`);
  const last = rows.at(size - 1);
  return {
    legalHolds: rows.slice(0, size).map(holdMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.holdId]) : '',
  };
}
