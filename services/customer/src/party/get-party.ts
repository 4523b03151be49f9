import { type GroupedRead, sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { GetPartyRequest, GetPartyResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { golden, partyIdIn, partyMessage, partyName } from './party.js';
import { partyColumnsIn, type PartyRecord } from './record.js';

/** Parties by id. Calls that arrive together share a statement. */
const partyById: GroupedRead<PartyRecord> = {
  query: (ids, scope) => sql`
    SELECT ${partyColumnsIn(scope)} FROM party
    WHERE party_id = ANY(${ids}::uuid[]) AND ${seen(scope, 'party')}`,
  key: ({ partyId }) => partyId,
};

/** Gives one party, by a name that was merged its golden record; personal fields only where the caller may see them. */
export async function getParty(deps: Deps, request: GetPartyRequest, call: Call): Promise<GetPartyResponse> {
  const row = await golden(partyIdIn(request.name), (id) => deps.db.grouped(call.scope, partyById, id));
  if (!row) throw fail('PARTY_NOT_FOUND', { metadata: { party: request.name } });
  await deps.reads.record(call, partyName(row.partyId));
  return { party: partyMessage(deps, row, scopeFor(call, 'C2')) };
}
