import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type ExtendDataSubjectRequestRequest, ExtendDataSubjectRequestResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { lockRequest, requestColumns, requestMessage, type RequestRow, termOf } from './request.js';

/** Gives a request two more months, three from when it came; the person must be told within the first. */
export async function extendDataSubjectRequest(
  deps: Deps,
  request: ExtendDataSubjectRequestRequest,
  call: Call,
): Promise<ExtendDataSubjectRequestResponse> {
  return idempotent(deps.db.plain, call, request, ExtendDataSubjectRequestResponse, async (tx) => {
    const before = await lockRequest(tx, call.scope, request.name);
    const now = deps.clock.now();
    if (before.closeTime !== null) throw fail('DATA_SUBJECT_REQUEST_CLOSED');
    if (before.extensionReason !== 0 || before.dueTime <= now) throw fail('EXTENSION_REFUSED');
    const row = await tx.one<RequestRow>(sql`
      UPDATE data_subject_request SET extension_reason = ${request.reason},
        due_time = ${termOf(before.receiveTime, 3, deps.bank.timeZone)}
      WHERE request_id = ${before.requestId} RETURNING ${requestColumns}`);
    await audit(tx, call, { resource: request.name, change: { extended: true, reason: request.reason } });
    return { dataSubjectRequest: await requestMessage(tx, row, now) };
  });
}
