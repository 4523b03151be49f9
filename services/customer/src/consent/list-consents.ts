import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListConsentsRequest, ListConsentsResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { assertParty, membersOf } from '../party/party.js';
import { consentColumns, consentMessage, type ConsentRecord } from './consent.js';

/** Lists what a party agreed to: what holds now, or everything that was ever said, newest first. */
export async function listConsents(
  deps: Deps,
  request: ListConsentsRequest,
  call: Call,
): Promise<ListConsentsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'date', 'uuid');
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const members = membersOf(await assertParty(on, request.parent, scope));
  const distinct = request.history ? sql.empty : sql`DISTINCT ON (c.purpose, c.channel)`;
  const older = after ? sql`WHERE ("effectiveTime", "consentId") < (${after[0]}, ${after[1]}::uuid)` : sql.empty;
  const rows = await on.rows<ConsentRecord>(sql`
    SELECT * FROM (
      SELECT ${distinct} ${consentColumns}
      FROM unnest(${members}::uuid[]) AS member (id) CROSS JOIN LATERAL (
        SELECT * FROM consent c WHERE c.party_id = member.id OFFSET 0) c
      WHERE ${seen(scope, 'c')}
      ORDER BY c.purpose, c.channel, c.effective_time DESC, c.consent_id DESC) said
    ${older}
    ORDER BY "effectiveTime" DESC, "consentId" DESC LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/consents`);
  const last = rows.at(size - 1);
  return {
    consents: rows.slice(0, size).map(consentMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.effectiveTime, last.consentId]) : '',
  };
}
