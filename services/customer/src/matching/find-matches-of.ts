import { within } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { FindMatchesRequest, FindMatchesResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty, assertUsable, partyName } from '../party/party.js';
import { findMatches } from './find-matches.js';

/** Gives the parties that may be the same as one, by the current model, whatever was decided about them. */
export async function findMatchesOf(deps: Deps, request: FindMatchesRequest, call: Call): Promise<FindMatchesResponse> {
  const scope = scopeFor(call, 'C2');
  const party = await assertParty(deps.db.scoped(scope), request.party, scope);
  assertUsable(party);
  const { partyId } = party;
  const { matched } = await findMatches(deps, deps.db.scoped(scope), [partyId]);
  const shown = (matched[0]?.matches ?? []).filter(({ other }) => within(scope, other.organisationPath, other.manager));
  await deps.reads.record(call, [request.party, ...shown.map(({ other }) => partyName(other.partyId))]);
  return {
    matches: shown.map(({ other, weight, probability, band }) => ({
      party: partyName(other.partyId),
      weight,
      probability,
      sure: band === 'auto',
    })),
  };
}
