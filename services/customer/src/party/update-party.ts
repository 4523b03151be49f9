import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { applyMask, type Call, checkEtag, idempotent, scopeFor } from '@rapport/kit/rpc';
import {
  type Party,
  PartyState,
  PartyUpdated,
  type UpdatePartyRequest,
  UpdatePartyResponse,
} from '@rapport/proto/customer/v1';
import { assertInside, assertPlace, seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { changedPaths, storeChange, updatable } from './change.js';
import {
  assertValid,
  cleaned,
  partyEtag,
  partyIdIn,
  partyMessage,
  partyName,
  partyUpdated,
  recordOf,
} from './party.js';
import { partyColumns, type PartyRecord } from './record.js';
import { sealedAnswer } from './sealed-answer.js';
import { findable } from './search-terms.js';

const immutable = ['source', 'source_key', 'synthetic'];

/** Changes the named fields of a party that nobody changed since it was read. */
export async function updateParty(deps: Deps, request: UpdatePartyRequest, call: Call): Promise<UpdatePartyResponse> {
  const update = request.party as Party;
  const mask = request.updateMask ?? [];
  const frozen = mask.find((path) => immutable.includes(path));
  if (frozen) throw fail('FIELD_IMMUTABLE', { violations: [{ field: frozen, description: 'cannot change' }] });
  const named = partyIdIn(update.name);
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    sealedAnswer(deps.cipher, UpdatePartyResponse, request.requestId),
    async (tx) => {
      const before = await tx.maybe<PartyRecord>(sql`
        SELECT ${partyColumns} FROM party JOIN party named ON named.golden_id = party.party_id
        WHERE named.party_id = ${named} AND party.merged_into IS NULL
          AND ${seen(scope, 'party')}
        FOR UPDATE OF party`);
      if (!before) throw fail('PARTY_NOT_FOUND', { metadata: { party: update.name } });
      const id = before.partyId;
      checkEtag(update.etag, partyEtag(before));
      const current = partyMessage(deps, before, { kind: 'everything' });
      const wanted = applyMask(current, update, mask, updatable);
      wanted.state ||= PartyState.PARTY_STATE_ACTIVE;
      const clean = cleaned(deps, wanted);
      const next = clean.party;
      assertValid(clean, deps, current);
      const paths = changedPaths(current, next);
      const row = recordOf(deps, clean, {
        ...before,
        version: before.version + 1,
        updateTime: deps.clock.now(),
      });
      assertInside(scope, row);
      assertPlace(call, row, before);
      await audit(tx, call, { resource: partyName(id), fields: paths });
      if (paths.length === 0) return { party: current };
      await storeChange(tx, deps.cipher, [{ before, ...findable(row, next) }]);
      await publish(tx, PartyUpdated, partyUpdated(row, paths), { aggregate: id, subject: partyName(id) });
      return { party: partyMessage(deps, row, scope) };
    },
    { scope },
  );
}
