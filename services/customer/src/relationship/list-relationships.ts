import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListRelationshipsRequest, ListRelationshipsResponse } from '@rapport/proto/customer/v1';
import { dayAt } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { assertParty, membersOf } from '../party/party.js';
import { relationshipMessage, relationshipsOf } from './relationship.js';

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
  const filter = { today, history: request.history, after, limit: size + 1 };
  const rows = await relationshipsOf(on, members, scope, filter);
  await deps.reads.record(call, `${request.parent}/relationships`);
  const last = rows.at(size - 1);
  return {
    relationships: rows.slice(0, size).map(relationshipMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.relationshipId]) : '',
  };
}
