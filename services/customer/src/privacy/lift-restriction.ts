import { audit } from '@rapport/kit/crypto';
import { everything, sql, type Tx } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type LiftRestrictionRequest, LiftRestrictionResponse, PartyState } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { loadTrees, settle, stateByStaff, store, treeOf } from '../golden/golden.js';
import { assertParty, membersOf, partyMessage, partyName, RESTRICTED } from '../party/party.js';
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
    await lastingly(tx, deps, party.partyId);
    await audit(tx, call, { resource: partyName(party.partyId), change: { lifted } });
    return {};
  });
}

/** Where a record still says that the party is restricted, staff say from now on that it is not. */
async function lastingly(tx: Tx, deps: Deps, id: string): Promise<void> {
  const now = deps.clock.now();
  const tree = treeOf(await loadTrees(tx, deps, [id], { lock: true }), id);
  if (settle(deps, tree, now).row.state !== RESTRICTED) return;
  const stated = { ...partyMessage(deps, tree.root, everything), state: PartyState.PARTY_STATE_ACTIVE };
  stateByStaff(deps, tree, { received: stated, stated, paths: ['state'], time: now });
  await store(tx, deps, [settle(deps, tree, now)]);
}
