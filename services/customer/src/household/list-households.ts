import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { ListHouseholdsRequest, ListHouseholdsResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty, membersOf } from '../party/party.js';
import { householdsOf } from './household.js';

/** Gives the households that a party is in now. */
export async function listHouseholds(
  deps: Deps,
  request: ListHouseholdsRequest,
  call: Call,
): Promise<ListHouseholdsResponse> {
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const party = await assertParty(on, request.parent, scope);
  const households = await householdsOf(on, membersOf(party), scope);
  await deps.reads.record(call, `${request.parent}/households`);
  return { households };
}
