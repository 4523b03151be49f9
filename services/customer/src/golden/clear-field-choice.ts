import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type ClearFieldChoiceRequest, ClearFieldChoiceResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty, membersOf, partyMessage, partyName, sealedAnswer } from '../party/party.js';
import { loadTrees, settle, store, treeOf } from './golden.js';

/** Lets the criteria decide a field again, also where the choice was made before a merge. */
export async function clearFieldChoice(
  deps: Deps,
  request: ClearFieldChoiceRequest,
  call: Call,
): Promise<ClearFieldChoiceResponse> {
  const { path } = request;
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    sealedAnswer(deps.cipher, ClearFieldChoiceResponse, request.requestId),
    async (tx) => {
      const { partyId } = await assertParty(tx, request.name, scope);
      const tree = treeOf(await loadTrees(tx, deps, [partyId], { lock: true }), partyId);
      await tx.run(sql`
        DELETE FROM field_choice WHERE party_id = ANY(${membersOf(tree.root)}::uuid[]) AND path = ${path}`);
      tree.choices = tree.choices.filter((choice) => choice.path !== path);
      const settled = settle(deps, tree, deps.clock.now());
      await store(tx, deps, [settled]);
      await audit(tx, call, { resource: partyName(partyId), fields: [path], change: { cleared: true } });
      const row = settled.paths.length > 0 ? settled.row : tree.root;
      return { party: partyMessage(deps, row, scope) };
    },
    { scope },
  );
}
