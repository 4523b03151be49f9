import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type AcceptReferralRequest,
  AcceptReferralResponse,
  ReferralAccepted,
  ReferralState,
} from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import {
  assertUsable,
  findReferral,
  lockReferral,
  referralColumns,
  referralFacts,
  type ReferralRow,
  toReferral,
} from './referral.js';

export async function acceptReferral(
  { db, clock, customer }: Deps,
  request: AcceptReferralRequest,
  call: Call,
): Promise<AcceptReferralResponse> {
  const scope = call.scope;
  const asked = await findReferral(db.scoped(scope), scope, request.name);
  if (asked) await assertUsable(customer, call, `parties/${asked.partyId}`);
  return idempotent(
    db,
    call,
    request,
    AcceptReferralResponse,
    async (tx) => {
      const { referralId } = await lockReferral(tx, scope, call, request, ReferralState.REFERRAL_STATE_MADE);
      const now = clock.now();
      const row = await tx.one<ReferralRow>(sql`
        UPDATE referral SET state = ${ReferralState.REFERRAL_STATE_ACCEPTED}, accept_time = ${now}, version = version + 1
        WHERE referral_id = ${referralId}::uuid RETURNING ${referralColumns}`);
      const message = { ...referralFacts(row), acceptTime: now };
      await publish(tx, ReferralAccepted, message, { aggregate: referralId, subject: message.referral });
      await audit(tx, call, {
        resource: [message.referral, message.party],
        change: { state: ReferralState[row.state] },
      });
      return { referral: toReferral(row) };
    },
    { scope },
  );
}
