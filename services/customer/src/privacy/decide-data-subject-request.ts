import { audit } from '@rapport/kit/crypto';
import { sql, type Tx } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  ConsentChanged,
  ConsentState,
  type DecideDataSubjectRequestRequest,
  DecideDataSubjectRequestResponse,
  DataSubjectRequestKind as Kind,
  DataSubjectRequestState as State,
} from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import { consentChanged, consentName, type ConsentRecord, insertConsents } from '../consent/consent.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, membersOf, partyName } from '../party/party.js';
import { eraseParties } from './erase-party.js';
import { closeRequest, lockRequest, requestColumns, requestMessage, requestName, type RequestRow } from './request.js';
import { restrict } from './restriction.js';

const channels = [
  Channel.CHANNEL_EMAIL,
  Channel.CHANNEL_SMS,
  Channel.CHANNEL_PHONE,
  Channel.CHANNEL_POST,
  Channel.CHANNEL_APP,
  Channel.CHANNEL_BRANCH,
  Channel.CHANNEL_WEB,
];

/** Accepts a request and begins to carry it out, or refuses it. */
export async function decideDataSubjectRequest(
  deps: Deps,
  request: DecideDataSubjectRequestRequest,
  call: Call,
): Promise<DecideDataSubjectRequestResponse> {
  const { refusalReason } = request;
  return idempotent(deps.db.plain, call, request, DecideDataSubjectRequestResponse, async (tx) => {
    const before = await lockRequest(tx, call.scope, request.name);
    const now = deps.clock.now();
    if (before.state !== State.DATA_SUBJECT_REQUEST_STATE_RECEIVED) throw fail('DATA_SUBJECT_REQUEST_DECIDED');
    const identityCheck = request.identityCheck || before.identityCheck;
    if (refusalReason === 0 && identityCheck === 0) throw fail('IDENTITY_NOT_CHECKED');
    // The golden record as it is now: it may have been merged since the request came.
    const party = await assertParty(tx, partyName(before.partyId), call.scope, sql`FOR UPDATE OF golden`);
    let row = await tx.one<RequestRow>(sql`
      UPDATE data_subject_request SET state = ${State.DATA_SUBJECT_REQUEST_STATE_ACCEPTED}, decide_time = ${now},
        decided_by = ${call.principal.subject}, refusal_reason = ${refusalReason}, identity_check = ${identityCheck},
        party_id = ${party.partyId}, members = ${membersOf(party)}::uuid[]
      WHERE request_id = ${before.requestId} RETURNING ${requestColumns}`);
    const change = { accepted: refusalReason === 0, kind: row.kind };
    await audit(tx, call, { resource: [request.name, partyName(row.partyId)], change });
    if (refusalReason === 0) row = await carryOut(tx, deps, call, row, now);
    else row = await closeRequest(tx, row, State.DATA_SUBJECT_REQUEST_STATE_REFUSED, now);
    return { dataSubjectRequest: await requestMessage(tx, row, now) };
  });
}

async function carryOut(tx: Tx, deps: Deps, call: Call, row: RequestRow, now: Date): Promise<RequestRow> {
  const completed = State.DATA_SUBJECT_REQUEST_STATE_COMPLETED;
  switch (row.kind) {
    case Kind.DATA_SUBJECT_REQUEST_KIND_RESTRICTION:
      await restrict(tx, deps, row.members, true, now);
      return closeRequest(tx, row, completed, now);
    case Kind.DATA_SUBJECT_REQUEST_KIND_OBJECTION:
      await withdraw(tx, row, call.principal.subject, now);
      return closeRequest(tx, row, completed, now);
    case Kind.DATA_SUBJECT_REQUEST_KIND_ERASURE: {
      const { retainUntil } = await eraseParties(tx, deps, row, now);
      return tx.one<RequestRow>(sql`
        UPDATE data_subject_request SET retain_until = ${retainUntil} WHERE request_id = ${row.requestId}
        RETURNING ${requestColumns}`);
    }
    default:
      return row;
  }
}

/** Takes back, on every channel, what the party has agreed to for the purpose that it objects to. */
async function withdraw(tx: Tx, row: RequestRow, subject: string, now: Date): Promise<void> {
  const { organisationPath, manager } = await tx.one<{ organisationPath: string; manager: string }>(sql`
    SELECT organisation_path AS "organisationPath", manager FROM party WHERE party_id = ${row.partyId}`);
  const said: ConsentRecord[] = channels.map((channel) => ({
    partyId: row.partyId,
    purpose: row.purpose || 'marketing',
    channel,
    effectiveTime: now,
    consentId: uuidv7(),
    state: ConsentState.CONSENT_STATE_WITHDRAWN,
    textVersion: 'objection',
    proof: requestName(row.requestId),
    recordedBy: subject,
    organisationPath,
    manager,
    createTime: now,
    expireTime: null,
  }));
  await insertConsents(tx, said);
  const events = said.map((one) => ({
    message: consentChanged(one),
    options: { aggregate: one.partyId, subject: consentName(one) },
  }));
  await publishAll(tx, ConsentChanged, events);
}
