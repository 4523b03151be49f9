import { audit } from '@rapport/kit/crypto';
import { applyMask, type Call, checkEtag, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type Party, PartyState, type UpdatePartyRequest, UpdatePartyResponse } from '@rapport/proto/customer/v1';
import { assertInside, assertPlace } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { loadTrees, settle, stateByStaff, type Settled, store, treeOf } from '../golden/golden.js';
import {
  assertParty,
  assertValid,
  changedPaths,
  cleaned,
  partyEtag,
  partyMessage,
  partyName,
  sameValue,
  updatable,
  valueAt,
} from './party.js';
import { sealedAnswer } from './sealed-answer.js';

const immutable = ['source', 'source_key', 'synthetic'];

/**
 * Changes the named fields of a party that nobody changed since it was read. What staff enter is a record of its own: it
 * counts as much as the best source, so it holds until a source states another value later.
 */
export async function updateParty(deps: Deps, request: UpdatePartyRequest, call: Call): Promise<UpdatePartyResponse> {
  const update = request.party as Party;
  const mask = request.updateMask ?? [];
  const frozen = mask.find((path) => immutable.includes(path));
  if (frozen) throw fail('FIELD_IMMUTABLE', { violations: [{ field: frozen, description: 'cannot change' }] });
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    sealedAnswer(deps.cipher, UpdatePartyResponse, request.requestId),
    async (tx) => {
      const { partyId: id } = await assertParty(tx, update.name, scope);
      const tree = treeOf(await loadTrees(tx, deps, [id], { lock: true }), id);
      const before = tree.root;
      checkEtag(update.etag, partyEtag(before));
      const current = partyMessage(deps, before, { kind: 'everything' });
      const wanted = applyMask(current, update, mask, updatable);
      wanted.state ||= PartyState.PARTY_STATE_ACTIVE;
      const clean = cleaned(deps, wanted);
      const next = clean.party;
      assertValid(clean, deps, current);
      const paths = changedPaths(current, next);
      if (paths.includes('state') && tree.members.some(({ restricted }) => restricted)) {
        throw fail('PARTY_RESTRICTED', { metadata: { party: partyName(before.partyId) } });
      }
      await audit(tx, call, { resource: partyName(before.partyId), fields: paths });
      if (paths.length === 0) return { party: partyMessage(deps, before, scope) };
      const now = deps.clock.now();
      stateByStaff(deps, tree, { received: wanted, stated: next, paths, time: now });
      const settled = settle(deps, tree, now);
      assertEffective(next, settled, paths);
      assertInside(scope, settled.row);
      assertPlace(call, settled.row, before);
      await store(tx, deps, [settled]);
      return { party: partyMessage(deps, settled.row, scope) };
    },
    { scope },
  );
}

/** Refuses what would not show: a steward's choice, or a rule of the bank, lets another record hold for the field. */
function assertEffective(wanted: Party, { survived }: Settled, paths: readonly string[]): void {
  const lists = ['contact_points', 'identifiers'];
  const hidden = paths.filter(
    (path) => !lists.includes(path) && !sameValue(valueAt(wanted, path), valueAt(survived.party, path)),
  );
  if (hidden.length === 0) return;
  const description = 'another record holds for the field';
  throw fail('FIELD_DECIDED', { violations: hidden.map((path) => ({ field: `party.${path}`, description })) });
}
