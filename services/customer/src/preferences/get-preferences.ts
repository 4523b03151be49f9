import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { GetPreferencesRequest, GetPreferencesResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty } from '../party/party.js';
import { latestPreferences, preferencesMessage } from './preferences.js';

/** Gives how a party likes to be served. */
export async function getPreferences(
  deps: Deps,
  request: GetPreferencesRequest,
  call: Call,
): Promise<GetPreferencesResponse> {
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const row = await latestPreferences(on, await assertParty(on, request.parent, scope));
  await deps.reads.record(call, `${request.parent}/preferences`);
  return { preferences: preferencesMessage(row) };
}
