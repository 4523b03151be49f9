import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type AssignCaseRequest, AssignCaseResponse, CaseAssigned, CaseState } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import type { Change } from '../history/history.js';
import { addressOf, caseFacts, caseMessage, isOpen, lockCase, momentOf, saveCase } from './case.js';
import { record, stateChange, stateName } from './record.js';

/** Gives a case to an employee. */
export async function assignCase(deps: Deps, request: AssignCaseRequest, call: Call): Promise<AssignCaseResponse> {
  const clear = scopeFor(call, 'C2');
  return idempotent(deps.db.plain, call, request, AssignCaseResponse, async (tx) => {
    const row = await lockCase(tx, call.scope, request);
    const now = deps.clock.now();
    const at = momentOf(row, request.occurTime, now);
    if (!isOpen(row)) throw fail('CASE_CLOSED');
    const { CASE_STATE_OPEN, CASE_STATE_REOPENED, CASE_STATE_ASSIGNED } = CaseState;
    const waiting = row.state === CASE_STATE_OPEN || row.state === CASE_STATE_REOPENED;
    const { assignee } = request;
    if (assignee === row.assignee && !waiting) {
      await record(tx, call, row, { at, now }, [], { assigned: false });
      return { case: caseMessage(row, clear, now) };
    }
    const state = waiting ? CASE_STATE_ASSIGNED : row.state;
    const saved = await saveCase(tx, { ...row, assignee, state, lastChangeTime: at }, now);
    const changes: Change[] = [{ $case: 'assignment', value: { previousAssignee: row.assignee, assignee } }];
    if (state !== row.state) changes.push(stateChange(row.state, state));
    await record(tx, call, saved, { at, now }, changes, { assigned: true, assignee, state: stateName(state) });
    await publish(
      tx,
      CaseAssigned,
      { ...caseFacts(saved), previousAssignee: row.assignee, assignTime: at },
      addressOf(saved),
    );
    return { case: caseMessage(saved, clear, now) };
  });
}
