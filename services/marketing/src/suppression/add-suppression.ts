import { audit } from '@rapport/kit/crypto';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type AddSuppressionRequest, AddSuppressionResponse } from '@rapport/proto/marketing/v1';
import { assertInside, uuidOf } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { goldenOf } from '../merge/merge.js';
import { putSuppression, toSuppression } from './suppression.js';

export async function addSuppression(
  { db, clock }: Deps,
  request: AddSuppressionRequest,
  call: Call,
): Promise<AddSuppressionResponse> {
  const { suppression } = request;
  if (!suppression) throw new TypeError('validation lets no request without a suppression pass');
  const { party, channel, purpose, reason, organisationPath, expireTime } = suppression;
  const scope = call.scope;
  assertInside(scope, organisationPath);
  const partyId = uuidOf(party);
  if (partyId === undefined)
    throw fail('PARTY_NAME_INVALID', { violations: [{ field: 'suppression.party', description: 'is no name' }] });
  const createTime = clock.now();
  if (expireTime && expireTime <= createTime) {
    throw fail('EXPIRE_TIME_PAST', {
      violations: [{ field: 'suppression.expire_time', description: 'is in the past' }],
    });
  }
  return idempotent(
    db,
    call,
    request,
    AddSuppressionResponse,
    async (tx) => {
      const row = await putSuppression(tx, {
        partyId: await goldenOf(tx, partyId),
        channel,
        purpose,
        reason,
        organisationPath,
        expireTime: expireTime ?? null,
        createdBy: call.principal.subject,
        createTime,
      });
      await audit(tx, call, {
        resource: [`parties/${row.partyId}`, `suppressions/${row.suppressionId}`],
        change: { channel, purpose, reason },
      });
      return { suppression: toSuppression(row) };
    },
    { scope },
  );
}
