import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type RemoveSuppressionRequest, RemoveSuppressionResponse } from '@rapport/proto/marketing/v1';
import { uuidOf } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';

export async function removeSuppression(
  { db }: Deps,
  request: RemoveSuppressionRequest,
  call: Call,
): Promise<RemoveSuppressionResponse> {
  const scope = call.scope;
  const id = uuidOf(request.name);
  return idempotent(
    db,
    call,
    request,
    RemoveSuppressionResponse,
    async (tx) => {
      // Row security keeps the rows of other parts of the bank out of reach.
      const removed = await tx.maybe<{ party: string }>(sql`
        DELETE FROM suppression WHERE suppression_id = ${id ?? null}::uuid RETURNING party_id AS party`);
      if (!removed) throw fail('SUPPRESSION_NOT_FOUND', { metadata: { suppression: request.name } });
      await audit(tx, call, { resource: [`parties/${removed.party}`, request.name] });
      return {};
    },
    { scope },
  );
}
