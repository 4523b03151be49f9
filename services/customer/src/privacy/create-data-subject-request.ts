import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type CreateDataSubjectRequestRequest,
  CreateDataSubjectRequestResponse,
  type DataSubjectRequest,
  DataSubjectRequestOpened,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, membersOf, partyName } from '../party/party.js';
import { requestColumns, requestMessage, requestName, type RequestRow, termOf } from './request.js';

/** Takes what somebody asks for about their own data. The clock runs from when the bank received it. */
export async function createDataSubjectRequest(
  deps: Deps,
  request: CreateDataSubjectRequestRequest,
  call: Call,
): Promise<CreateDataSubjectRequestResponse> {
  const wish = request.dataSubjectRequest as DataSubjectRequest;
  const now = deps.clock.now();
  const receiveTime = wish.receiveTime ?? now;
  if (receiveTime.getTime() > now.getTime() + 60_000) {
    const violations = [{ field: 'data_subject_request.receive_time', description: 'lies in the future' }];
    throw fail('TIME_IN_FUTURE', { violations });
  }
  return idempotent(deps.db.plain, call, request, CreateDataSubjectRequestResponse, async (tx) => {
    const party = await assertParty(tx, wish.party, call.scope, sql`FOR SHARE OF golden`);
    const requestId = uuidv7();
    const row = await tx.maybe<RequestRow>(sql`
      INSERT INTO data_subject_request (request_id, party_id, members, kind, receive_time, due_time, identity_check,
        purpose, case_name, organisation_path, manager, created_by, create_time)
      VALUES (${requestId}, ${party.partyId}, ${membersOf(party)}::uuid[], ${wish.kind}, ${receiveTime},
        ${termOf(receiveTime, 1, deps.bank.timeZone)}, ${wish.identityCheck}, ${wish.purpose}, ${wish.case},
        ${party.organisationPath}, ${party.manager}, ${call.principal.subject}, ${now})
      ON CONFLICT DO NOTHING RETURNING ${requestColumns}`);
    if (!row) throw fail('DATA_SUBJECT_REQUEST_OPEN');
    const name = requestName(requestId);
    await audit(tx, call, { resource: [name, partyName(party.partyId)], change: { opened: true, kind: row.kind } });
    const { kind, dueTime, organisationPath } = row;
    const message = { dataSubjectRequest: name, party: partyName(party.partyId), organisationPath, kind, dueTime };
    await publish(tx, DataSubjectRequestOpened, message, { aggregate: requestId, subject: name });
    return { dataSubjectRequest: await requestMessage(tx, row, now) };
  });
}
