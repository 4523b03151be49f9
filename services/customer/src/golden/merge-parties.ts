import { audit } from '@rapport/kit/crypto';
import { type Call, checkEtag, idempotent, scopeFor } from '@rapport/kit/rpc';
import { MergeDecision, type MergePartiesRequest, MergePartiesResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty, partyEtag, partyMessage, partyName, sealedAnswer } from '../party/party.js';
import { loadTrees, mergeMessage, mergeTrees, treeOf } from './golden.js';

/** Makes two golden records one; a person has decided that they are one customer. */
export async function mergeParties(
  deps: Deps,
  request: MergePartiesRequest,
  call: Call,
): Promise<MergePartiesResponse> {
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    sealedAnswer(deps.cipher, MergePartiesResponse, request.requestId),
    async (tx) => {
      const survivor = await assertParty(tx, request.survivor, scope);
      const merged = await assertParty(tx, request.merged, scope);
      const trees = await loadTrees(tx, deps, [survivor.partyId, merged.partyId], { lock: true });
      const [into, from] = [treeOf(trees, survivor.partyId), treeOf(trees, merged.partyId)];
      checkEtag(request.survivorEtag, partyEtag(into.root));
      checkEtag(request.mergedEtag, partyEtag(from.root));
      const { reason, identifiersMayDiffer, legalHoldKnown } = request;
      const merging = { decision: MergeDecision.MERGE_DECISION_STEWARD, reason, identifiersMayDiffer, legalHoldKnown };
      const now = deps.clock.now();
      const { row, party } = await mergeTrees(tx, deps, into, from, { ...merging, by: call.principal.subject }, now);
      const change = { merged: partyName(from.root.partyId), identifiersMayDiffer, legalHoldKnown };
      await audit(tx, call, { resource: partyName(into.root.partyId), change });
      return { party: partyMessage(deps, party, scope), merge: mergeMessage(row) };
    },
    { scope },
  );
}
