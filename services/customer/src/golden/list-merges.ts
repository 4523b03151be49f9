import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListMergesRequest, ListMergesResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { assertParty, membersOf } from '../party/party.js';
import { mergeColumns, mergeMessage, type MergeRow } from './golden.js';

/** Lists who was merged with a party and its like, and what of it was taken back, the latest first. */
export async function listMerges(deps: Deps, request: ListMergesRequest, call: Call): Promise<ListMergesResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'date', 'uuid');
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const members = membersOf(await assertParty(on, request.parent, scope));
  const older = after ? sql`WHERE ("mergeTime", "mergeId") < (${after[0]}, ${after[1]}::uuid)` : sql.empty;
  // A merge stands under both of its parties.
  const rows = await on.rows<MergeRow>(sql`
    SELECT * FROM (
      SELECT DISTINCT ON (m.merge_id) ${mergeColumns} FROM party_merge m
      WHERE m.party_id = ANY(${members}::uuid[])
        AND ${seen(scope, 'm')}
      ORDER BY m.merge_id, m.party_id) merges
    ${older}
    ORDER BY "mergeTime" DESC, "mergeId" DESC LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/merges`);
  const last = rows.at(size - 1);
  return {
    merges: rows.slice(0, size).map(mergeMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.mergeTime, last.mergeId]) : '',
  };
}
