import { audit } from '@rapport/kit/crypto';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type CompleteDataSubjectRequestRequest,
  CompleteDataSubjectRequestResponse,
  DataSubjectRequestKind,
  DataSubjectRequestState,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { closeRequest, lockRequest, requestMessage } from './request.js';

/** Notes that an accepted request was carried out. An erasure does so by itself when every service has answered. */
export async function completeDataSubjectRequest(
  deps: Deps,
  request: CompleteDataSubjectRequestRequest,
  call: Call,
): Promise<CompleteDataSubjectRequestResponse> {
  return idempotent(deps.db.plain, call, request, CompleteDataSubjectRequestResponse, async (tx) => {
    const row = await lockRequest(tx, call.scope, request.name);
    const now = deps.clock.now();
    const { DATA_SUBJECT_REQUEST_STATE_ACCEPTED, DATA_SUBJECT_REQUEST_STATE_COMPLETED } = DataSubjectRequestState;
    if (row.state !== DATA_SUBJECT_REQUEST_STATE_ACCEPTED) throw fail('DATA_SUBJECT_REQUEST_NOT_ACCEPTED');
    if (row.kind === DataSubjectRequestKind.DATA_SUBJECT_REQUEST_KIND_ERASURE) throw fail('RECEIPTS_MISSING');
    const closed = await closeRequest(tx, row, DATA_SUBJECT_REQUEST_STATE_COMPLETED, now);
    await audit(tx, call, { resource: request.name, change: { completed: true } });
    return { dataSubjectRequest: await requestMessage(tx, closed, now) };
  });
}
