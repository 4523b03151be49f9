import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type WinReferralRequest, WinReferralResponse, ReferralState, ReferralWon } from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { lockReferral, referralColumns, referralFacts, type ReferralRow, toReferral } from './referral.js';

export async function winReferral(
  { db, clock }: Deps,
  request: WinReferralRequest,
  call: Call,
): Promise<WinReferralResponse> {
  const { amount } = request;
  if (!amount) throw new TypeError('validation lets no request without an amount pass');
  const scope = call.scope;
  return idempotent(
    db,
    call,
    request,
    WinReferralResponse,
    async (tx) => {
      const { referralId } = await lockReferral(tx, scope, call, request, ReferralState.REFERRAL_STATE_ACCEPTED);
      const now = clock.now();
      const row = await tx.one<ReferralRow>(sql`
        UPDATE referral SET state = ${ReferralState.REFERRAL_STATE_WON}, close_time = ${now},
          amount_minor = ${amount.minorUnits}, currency = ${amount.currencyCode}, version = version + 1
        WHERE referral_id = ${referralId}::uuid RETURNING ${referralColumns}`);
      const message = { ...referralFacts(row), amount, closeTime: now };
      await publish(tx, ReferralWon, message, { aggregate: referralId, subject: message.referral });
      await audit(tx, call, {
        resource: [message.referral, message.party],
        change: { state: ReferralState[row.state] },
      });
      return { referral: toReferral(row) };
    },
    { scope },
  );
}
