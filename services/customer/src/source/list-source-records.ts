import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListSourceRecordsRequest, ListSourceRecordsResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { assertParty, membersOf } from '../party/party.js';
import { openRecord, recordColumns, recordMessage, type RecordRow } from './source.js';

/** Lists what each source said about a party and about those merged with it. */
export async function listSourceRecords(
  deps: Deps,
  request: ListSourceRecordsRequest,
  call: Call,
): Promise<ListSourceRecordsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'uuid', 'uuid', 'number');
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const members = membersOf(await assertParty(on, request.parent, scope));
  const rows = await on.rows<RecordRow & { wrappedKey: Buffer }>(sql`
    SELECT ${recordColumns}, party.wrapped_key AS "wrappedKey"
    FROM unnest(${members}::uuid[]) AS member (id) JOIN party ON party.party_id = member.id CROSS JOIN LATERAL (
      SELECT * FROM source_record s WHERE s.party_id = member.id OFFSET 0) s
    WHERE ${seen(scope, 's')}
      ${request.history ? sql.empty : sql`AND s.latest`}
      ${after ? sql`AND (s.party_id, s.record_id, -s.version) > (${after[0]}::uuid, ${after[1]}::uuid, ${-after[2]}::int)` : sql.empty}
    ORDER BY s.party_id, s.record_id, s.version DESC LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/sourceRecords`);
  const last = rows.at(size - 1);
  return {
    sourceRecords: rows.slice(0, size).map((row) => recordMessage(openRecord(deps.cipher, row, row.wrappedKey))),
    nextPageToken:
      last && rows.length > size ? encodePage(call, request, [last.partyId, last.recordId, last.version]) : '',
  };
}
