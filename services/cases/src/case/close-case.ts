import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import {
  CaseClosed,
  CaseState,
  type CloseCaseRequest,
  CloseCaseResponse,
  ComplaintStep,
} from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import {
  addressOf,
  type CaseRow,
  caseFacts,
  caseMessage,
  kept,
  lockCase,
  momentOf,
  saveCase,
  stepReached,
} from './case.js';
import { record, stateChange } from './record.js';

/** Closes a resolved case; a complaint only when the party has its answer. */
export async function closeCase(deps: Deps, request: CloseCaseRequest, call: Call): Promise<CloseCaseResponse> {
  return idempotent(deps.db.plain, call, request, CloseCaseResponse, async (tx) => {
    const row = await lockCase(tx, call.scope, request);
    const now = deps.clock.now();
    const at = momentOf(row, request.occurTime, now);
    assertClosable(row);
    const state = CaseState.CASE_STATE_CLOSED;
    const saved = await saveCase(tx, { ...row, state, closeTime: at, lastChangeTime: at }, now);
    await record(tx, call, saved, { at, now }, [stateChange(row.state, state)], { state: 'CLOSED' });
    const { receiveTime, reopenCount } = saved;
    const resolveTime = saved.resolveTime ?? undefined;
    await publish(
      tx,
      CaseClosed,
      { ...caseFacts(saved), ...kept(saved), receiveTime, resolveTime, closeTime: at, reopenCount },
      addressOf(saved),
    );
    return { case: caseMessage(saved, scopeFor(call, 'C2'), now) };
  });
}

function assertClosable(row: CaseRow): void {
  if (row.state === CaseState.CASE_STATE_CLOSED) throw fail('CASE_CLOSED');
  if (row.state !== CaseState.CASE_STATE_RESOLVED) throw fail('CASE_NOT_RESOLVED');
  if (row.isComplaint && stepReached(row) < ComplaintStep.COMPLAINT_STEP_ANSWERED) throw fail('COMPLAINT_NOT_ANSWERED');
}
