import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListBaselinesRequest, ListBaselinesResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { assertParty } from '../party/party.js';
import { baselineColumns, baselineMessage, type BaselineRecord } from './records.js';

/** Lists what is usual for a party, measure by measure. */
export async function listBaselines(
  deps: Deps,
  request: ListBaselinesRequest,
  call: Call,
): Promise<ListBaselinesResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'number', 'string') ?? [0, ''];
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const { partyId } = await assertParty(on, request.parent, scope);
  const rows = await on.rows<BaselineRecord>(sql`
    SELECT ${baselineColumns} FROM behaviour_baseline b
    WHERE b.party_id = ${partyId} AND (b.measure, b.code) > (${after[0]}::int, ${after[1]})
      AND ${seen(scope, 'b')}
    ORDER BY b.measure, b.code LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/baselines`);
  const last = rows.at(size - 1);
  return {
    baselines: rows.slice(0, size).map(baselineMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.measure, last.code]) : '',
  };
}
