import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListHoldingsRequest, ListHoldingsResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { assertParty, membersOf } from '../party/party.js';
import { holdingColumns, holdingMessage, type HoldingRecord } from './holding.js';

/** A holding without a date comes before all that have one. */
const NO_DAY = '0001-01-01';

/** Lists what a party has, owned or only used, in the order it was opened. */
export async function listHoldings(
  deps: Deps,
  request: ListHoldingsRequest,
  call: Call,
): Promise<ListHoldingsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'date', 'uuid');
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const party = await assertParty(on, request.parent, scope);
  const rows = await on.rows<HoldingRecord>(sql`
    SELECT ${holdingColumns}
    FROM (SELECT DISTINCT r.holding_party_id, r.holding_id
        FROM unnest(${membersOf(party)}::uuid[]) AS member (id) CROSS JOIN LATERAL (
          SELECT * FROM holding_role r WHERE r.party_id = member.id
            ${request.role === 0 ? sql.empty : sql`AND r.role = ${request.role}`} OFFSET 0) r) r
      JOIN holding h ON h.party_id = r.holding_party_id AND h.holding_id = r.holding_id
    WHERE ${seen(scope, 'h')}
      ${request.kind === 0 ? sql.empty : sql`AND h.kind = ${request.kind}`}
      ${request.status === 0 ? sql.empty : sql`AND h.status = ${request.status}`}
      ${after ? sql`AND (coalesce(h.opened_date, ${NO_DAY}::date), h.holding_id) > (${day(after[0])}::date, ${after[1]}::uuid)` : sql.empty}
    ORDER BY coalesce(h.opened_date, ${NO_DAY}::date), h.holding_id LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/holdings`);
  const last = rows.at(size - 1);
  return {
    holdings: rows.slice(0, size).map((row) => holdingMessage(deps, row)),
    nextPageToken:
      last && rows.length > size
        ? encodePage(call, request, [new Date(`${last.openedDate ?? NO_DAY}T00:00:00Z`), last.holdingId])
        : '',
  };
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
