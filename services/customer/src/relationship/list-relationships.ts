import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListRelationshipsRequest, ListRelationshipsResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { dayAt } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { assertParty, membersOf } from '../party/party.js';
import { relationshipColumns, relationshipMessage, type RelationshipRecord } from './relationship.js';

/** Lists how a party stands to others and others to it, in the order it was recorded. */
export async function listRelationships(
  deps: Deps,
  request: ListRelationshipsRequest,
  call: Call,
): Promise<ListRelationshipsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'uuid')?.[0];
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const members = membersOf(await assertParty(on, request.parent, scope));
  const today = dayAt(deps.clock.now(), deps.bank.timeZone);
  // Between two parties that were merged into one there is nothing left to say.
  const rows = await on.rows<RelationshipRecord>(sql`
    SELECT ${relationshipColumns}
    FROM unnest(${members}::uuid[]) AS member (id) CROSS JOIN LATERAL (
      SELECT * FROM relationship r WHERE r.party_id = member.id OFFSET 0) r
    WHERE r.other_party_id <> ALL(${members}::uuid[])
      AND ${seen(scope, 'r')}
      ${request.history ? sql.empty : sql`AND (r.end_date IS NULL OR r.end_date >= ${today}::date)`}
      ${after === undefined ? sql.empty : sql`AND r.relationship_id > ${after}::uuid`}
    ORDER BY r.relationship_id LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/relationships`);
  const last = rows.at(size - 1);
  return {
    relationships: rows.slice(0, size).map(relationshipMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.relationshipId]) : '',
  };
}
