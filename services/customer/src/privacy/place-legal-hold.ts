import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import { type LegalHold, type PlaceLegalHoldRequest, PlaceLegalHoldResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty } from '../party/party.js';
import { holdColumns, holdMessage, holdName, type HoldRow } from './hold.js';

/** Keeps a party's data from being erased until a time. */
export async function placeLegalHold(
  deps: Deps,
  request: PlaceLegalHoldRequest,
  call: Call,
): Promise<PlaceLegalHoldResponse> {
  const { reason, endTime } = request.legalHold as LegalHold;
  const now = deps.clock.now();
  if (!endTime || endTime <= now) {
    throw fail('FIELD_INVALID', {
      violations: [{ field: 'legal_hold.end_time', description: 'is not in the future' }],
    });
  }
  return idempotent(deps.db.plain, call, request, PlaceLegalHoldResponse, async (tx) => {
    // The lock that an erasure takes too: one of the two comes first.
    const { partyId } = await assertParty(tx, request.parent, call.scope, sql`FOR UPDATE OF golden`);
    const row = await tx.one<HoldRow>(sql`
      INSERT INTO legal_hold (party_id, hold_id, reason, end_time, placed_by, place_time)
      VALUES (${partyId}, ${uuidv7()}, ${reason}, ${endTime}, ${call.principal.subject}, ${now})
      RETURNING ${holdColumns}`);
    await audit(tx, call, { resource: holdName(row), change: { placed: true, reason } });
    return { legalHold: holdMessage(row) };
  });
}
