import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type LiftRestrictionRequest, LiftRestrictionResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty, membersOf, partyName } from '../party/party.js';
import { restrict } from './restriction.js';

/** Lets a party be used again whose processing was restricted. */
export async function liftRestriction(
  deps: Deps,
  request: LiftRestrictionRequest,
  call: Call,
): Promise<LiftRestrictionResponse> {
  return idempotent(deps.db.plain, call, request, LiftRestrictionResponse, async (tx) => {
    const party = await assertParty(tx, request.name, call.scope, sql`FOR UPDATE OF golden`);
    const lifted = await restrict(tx, deps, membersOf(party), false, deps.clock.now());
    await audit(tx, call, { resource: partyName(party.partyId), change: { lifted } });
    return {};
  });
}
