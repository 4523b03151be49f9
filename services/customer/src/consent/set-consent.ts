import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type Consent,
  ConsentChanged,
  ConsentState,
  type SetConsentRequest,
  SetConsentResponse,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, membersOf } from '../party/party.js';
import {
  consentChanged,
  consentColumns,
  consentMessage,
  consentName,
  type ConsentRecord,
  insertConsents,
  saysTheSame,
} from './consent.js';

/** Keeps what a party said beside all that it said before. Saying the same again changes nothing. */
export async function setConsent(deps: Deps, request: SetConsentRequest, call: Call): Promise<SetConsentResponse> {
  const consent = request.consent as Consent;
  const now = deps.clock.now();
  const effectiveTime = consent.effectiveTime ?? now;
  if (effectiveTime.getTime() > now.getTime() + 60_000) {
    throw fail('TIME_IN_FUTURE', {
      violations: [{ field: 'consent.effective_time', description: 'lies in the future' }],
    });
  }
  const { purpose, channel, state, textVersion, proof } = consent;
  const expireTime = consent.expireTime ?? null;
  if (expireTime && (state !== ConsentState.CONSENT_STATE_GRANTED || expireTime <= effectiveTime)) {
    const description = 'is for what is granted, and later than effective_time';
    throw fail('FIELD_INVALID', { violations: [{ field: 'consent.expire_time', description }] });
  }
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    SetConsentResponse,
    async (tx) => {
      // The lock puts what one party says in a row, so that "what held before" is one thing.
      const party = await assertParty(tx, request.parent, scope, sql`FOR UPDATE OF golden`);
      const { partyId, organisationPath, manager } = party;
      const before = await tx.maybe<ConsentRecord>(sql`
        SELECT ${consentColumns} FROM consent c
        WHERE c.party_id = ANY(${membersOf(party)}::uuid[]) AND c.purpose = ${purpose} AND c.channel = ${channel}
        ORDER BY c.effective_time DESC, c.consent_id DESC LIMIT 1`);
      if (before && saysTheSame(before, { state, textVersion, proof, expireTime })) {
        await audit(tx, call, { resource: consentName(before), change: { repeated: true } });
        return { consent: consentMessage(before) };
      }
      const row: ConsentRecord = {
        partyId,
        purpose,
        channel,
        effectiveTime,
        consentId: uuidv7(),
        state,
        textVersion,
        proof,
        recordedBy: call.principal.subject,
        organisationPath,
        manager,
        createTime: now,
        expireTime,
      };
      await insertConsents(tx, [row]);
      const name = consentName(row);
      await audit(tx, call, { resource: name, change: { purpose, channel, state } });
      // What was said earlier than what holds is kept, and changes nothing.
      const holds = !before || before.effectiveTime <= effectiveTime;
      if (holds && before?.state !== state) {
        await publish(tx, ConsentChanged, consentChanged(row), { aggregate: partyId, subject: name });
      }
      return { consent: consentMessage(row) };
    },
    { scope },
  );
}
