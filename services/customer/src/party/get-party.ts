import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { GetPartyRequest, GetPartyResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { partyIdIn, partyMessage } from './party.js';
import { partyColumns, type PartyRecord } from './record.js';

/** Gives one party; personal fields only where the caller may see them. */
export async function getParty(deps: Deps, request: GetPartyRequest, call: Call): Promise<GetPartyResponse> {
  const id = partyIdIn(request.name);
  const row = await deps.db.scoped(call.scope).maybe<PartyRecord>(sql`
    SELECT ${partyColumns} FROM party
    WHERE party_id = ${id} AND ${scopeFilter(call.scope, { path: 'organisation_path', manager: 'manager' })}`);
  if (!row) throw fail('PARTY_NOT_FOUND', { metadata: { party: request.name } });
  await deps.reads.record(call, request.name);
  return { party: partyMessage(deps, row, scopeFor(call, 'C2')) };
}
