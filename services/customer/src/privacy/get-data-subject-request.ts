import { sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type { GetDataSubjectRequestRequest, GetDataSubjectRequestResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { requestColumns, requestIdIn, requestMessage, type RequestRow, requestsSeen } from './request.js';

/** Gives one request; an erasure with its receipts and the services that have not answered. */
export async function getDataSubjectRequest(
  deps: Deps,
  request: GetDataSubjectRequestRequest,
  call: Call,
): Promise<GetDataSubjectRequestResponse> {
  const on = deps.db.scoped(call.scope);
  const row = await on.maybe<RequestRow>(sql`
    SELECT ${requestColumns} FROM data_subject_request
    WHERE request_id = ${requestIdIn(request.name)} AND ${requestsSeen(call.scope)}`);
  if (!row) throw fail('DATA_SUBJECT_REQUEST_NOT_FOUND', { metadata: { request: request.name } });
  await deps.reads.record(call, request.name);
  return { dataSubjectRequest: await requestMessage(on, row, deps.clock.now()) };
}
