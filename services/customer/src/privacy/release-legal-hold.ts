import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, Failure, idempotent } from '@rapport/kit/rpc';
import { type ReleaseLegalHoldRequest, ReleaseLegalHoldResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, idsIn } from '../party/party.js';
import { holdColumns, holdMessage, type HoldRow } from './hold.js';

/** Ends a hold before its time. */
export async function releaseLegalHold(
  deps: Deps,
  request: ReleaseLegalHoldRequest,
  call: Call,
): Promise<ReleaseLegalHoldResponse> {
  const [partyId, holdId] = idsIn(request.name) ?? [];
  return idempotent(deps.db.plain, call, request, ReleaseLegalHoldResponse, async (tx) => {
    await assertParty(tx, `parties/${partyId}`, call.scope).catch((error: unknown) => {
      throw error instanceof Failure && error.reason === 'PARTY_NOT_FOUND' ? notFound(request.name) : error;
    });
    const row = await tx.maybe<HoldRow>(sql`
      UPDATE legal_hold SET release_time = coalesce(release_time, ${deps.clock.now()}),
        released_by = CASE WHEN release_time IS NULL THEN ${call.principal.subject} ELSE released_by END
      WHERE party_id = ${partyId ?? null}::uuid AND hold_id = ${holdId ?? null}::uuid RETURNING ${holdColumns}`);
    if (!row) throw notFound(request.name);
    await audit(tx, call, { resource: request.name, change: { released: true } });
    return { legalHold: holdMessage(row) };
  });
}

function notFound(hold: string): Failure {
  return fail('LEGAL_HOLD_NOT_FOUND', { metadata: { hold } });
}
