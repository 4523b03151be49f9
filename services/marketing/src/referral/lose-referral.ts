import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type LoseReferralRequest,
  LoseReferralResponse,
  ReferralLost,
  ReferralState,
} from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { lockReferral, referralColumns, referralFacts, type ReferralRow, toReferral } from './referral.js';

export async function loseReferral(
  { db, clock }: Deps,
  request: LoseReferralRequest,
  call: Call,
): Promise<LoseReferralResponse> {
  const scope = call.scope;
  return idempotent(
    db,
    call,
    request,
    LoseReferralResponse,
    async (tx) => {
      const { REFERRAL_STATE_MADE: made, REFERRAL_STATE_ACCEPTED: accepted } = ReferralState;
      const { referralId } = await lockReferral(tx, scope, call, request, made, accepted);
      const now = clock.now();
      const row = await tx.one<ReferralRow>(sql`
        UPDATE referral SET state = ${ReferralState.REFERRAL_STATE_LOST}, close_time = ${now},
          lost_reason = ${request.reason}, version = version + 1
        WHERE referral_id = ${referralId}::uuid RETURNING ${referralColumns}`);
      const message = { ...referralFacts(row), reason: row.lostReason, closeTime: now };
      await publish(tx, ReferralLost, message, { aggregate: referralId, subject: message.referral });
      await audit(tx, call, {
        resource: [message.referral, message.party],
        change: { state: ReferralState[row.state] },
      });
      return { referral: toReferral(row) };
    },
    { scope },
  );
}
