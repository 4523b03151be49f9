import { audit } from '@rapport/kit/crypto';
import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type LiftErasedKeyRequest, LiftErasedKeyResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { erasedDigest } from './erased-keys.js';
import { sourceIn } from './source.js';

/** Lets imports bring an erased key in again. */
export async function liftErasedKey(
  deps: Deps,
  request: LiftErasedKeyRequest,
  call: Call,
): Promise<LiftErasedKeyResponse> {
  const { name, sourceKey, reason } = request;
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    LiftErasedKeyResponse,
    async (tx) => {
      const digest = erasedDigest(deps.cipher, { source: sourceIn(name), sourceKey });
      const row = await tx.maybe<{ eraseTime: Date }>(sql`
        DELETE FROM erased_key WHERE digest = ${digest} AND ${scopeFilter(scope, { path: 'organisation_path' })}
        RETURNING erase_time AS "eraseTime"`);
      if (!row) throw fail('ERASED_KEY_NOT_FOUND', { metadata: { source: name } });
      await audit(tx, call, { resource: name, change: { erasedKeyLifted: digest.toString('hex'), reason } });
      return { eraseTime: row.eraseTime };
    },
    { scope },
  );
}
