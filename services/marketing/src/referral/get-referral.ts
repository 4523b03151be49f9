import type { Call } from '@rapport/kit/rpc';
import type { GetReferralRequest, GetReferralResponse } from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findReferral, toReferral } from './referral.js';

export async function getReferral(
  { db, reads }: Deps,
  request: GetReferralRequest,
  call: Call,
): Promise<GetReferralResponse> {
  const scope = call.scope;
  const row = await findReferral(db.scoped(scope), scope, request.name);
  if (!row) throw fail('REFERRAL_NOT_FOUND', { metadata: { referral: request.name } });
  await reads.record(call, [request.name, `parties/${row.partyId}`]);
  return { referral: toReferral(row) };
}
