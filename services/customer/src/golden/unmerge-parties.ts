import { audit } from '@rapport/kit/crypto';
import { type Call, checkEtag, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type UnmergePartiesRequest, UnmergePartiesResponse } from '@rapport/proto/customer/v1';
import { assertInside } from '../access/access.js';
import type { Deps } from '../deps.js';
import { assertParty, partyEtag, partyIdIn, partyMessage, partyName, sealedAnswer } from '../party/party.js';
import { loadTrees, type Member, mergeMessage, treeOf, unmergeTree } from './golden.js';

/** Takes a merge back: the party answers for itself again, with everything that is kept under its name. */
export async function unmergeParties(
  deps: Deps,
  request: UnmergePartiesRequest,
  call: Call,
): Promise<UnmergePartiesResponse> {
  const scope = scopeFor(call, 'C2');
  const partyId = partyIdIn(request.name);
  return idempotent(
    deps.db,
    call,
    request,
    sealedAnswer(deps.cipher, UnmergePartiesResponse, request.requestId),
    async (tx) => {
      await assertParty(tx, request.name, scope);
      const tree = treeOf(await loadTrees(tx, deps, [partyId], { lock: true }), partyId);
      const member = tree.members.find((one) => one.partyId === partyId) as Member;
      checkEtag(request.etag, partyEtag(tree.root));
      const { ownOrganisationPath, ownManager } = member;
      // Nobody puts a party where they could not see it.
      if (ownOrganisationPath !== null) {
        assertInside(scope, { organisationPath: ownOrganisationPath, manager: ownManager ?? '' });
      }
      const why = { by: call.principal.subject, reason: request.reason };
      const { row, party, survivor } = await unmergeTree(tx, deps, tree, member, why, deps.clock.now());
      const change = { unmergedFrom: partyName(tree.root.partyId) };
      await audit(tx, call, { resource: partyName(partyId), change });
      return {
        party: partyMessage(deps, party, scope),
        survivor: partyMessage(deps, survivor, scope),
        merge: mergeMessage(row),
      };
    },
    { scope },
  );
}
