import { publish } from '@rapport/kit/events';
import { type Call, callerName, idempotent, scopeFor } from '@rapport/kit/rpc';
import {
  type AdvanceComplaintRequest,
  AdvanceComplaintResponse,
  CaseState,
  ComplaintStep,
  ComplaintStepReached,
} from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import type { Change } from '../history/history.js';
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

/** Takes a complaint to its next step. */
export async function advanceComplaint(
  deps: Deps,
  request: AdvanceComplaintRequest,
  call: Call,
): Promise<AdvanceComplaintResponse> {
  const { step } = request;
  return idempotent(deps.db.plain, call, request, AdvanceComplaintResponse, async (tx) => {
    const row = await lockCase(tx, call.scope, request);
    const now = deps.clock.now();
    const at = momentOf(row, request.occurTime, now);
    assertNext(row, step);
    const responded = step === ComplaintStep.COMPLAINT_STEP_RESPONDED;
    const begins = row.state === CaseState.CASE_STATE_ASSIGNED;
    const saved = await saveCase(
      tx,
      {
        ...row,
        stepTimes: [...row.stepTimes, at],
        stepActors: [...row.stepActors, callerName(call)],
        ...(begins && { state: CaseState.CASE_STATE_IN_PROGRESS }),
        ...(responded && { responseTime: at, responseBreached: at > row.responseDueTime }),
        lastChangeTime: at,
      },
      now,
    );
    const changes: Change[] = [{ $case: 'complaintStep', value: step }];
    if (begins) changes.push(stateChange(row.state, saved.state));
    await record(tx, call, saved, { at, now }, changes, { complaint_step: step });
    const responseInTime = responded && kept(saved).responseInTime;
    await publish(
      tx,
      ComplaintStepReached,
      { ...caseFacts(saved), step, occurTime: at, responseInTime },
      addressOf(saved),
    );
    return { case: caseMessage(saved, scopeFor(call, 'C2'), now) };
  });
}

function assertNext(row: CaseRow, step: ComplaintStep): void {
  if (!row.isComplaint) throw fail('NOT_A_COMPLAINT');
  if (row.state === CaseState.CASE_STATE_CLOSED) throw fail('CASE_CLOSED');
  const reached = stepReached(row);
  if (step <= reached) throw fail('COMPLAINT_STEP_REACHED', { metadata: { reached: ComplaintStep[reached] } });
  if (step > reached + 1) throw fail('COMPLAINT_STEP_SKIPPED', { metadata: { reached: ComplaintStep[reached] } });
}
