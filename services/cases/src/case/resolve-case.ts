import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { CaseResolved, CaseState, type ResolveCaseRequest, ResolveCaseResponse } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import type { Change } from '../history/history.js';
import { addressOf, type CaseRow, caseFacts, caseMessage, isOpen, kept, lockCase, momentOf, saveCase } from './case.js';
import { resumed } from './clock.js';
import { record, stateChange } from './record.js';

/** Says that the work is done; a pause ends with it. */
export async function resolveCase(deps: Deps, request: ResolveCaseRequest, call: Call): Promise<ResolveCaseResponse> {
  return idempotent(deps.db.plain, call, request, ResolveCaseResponse, async (tx) => {
    const row = await lockCase(tx, call.scope, request);
    const now = deps.clock.now();
    const at = momentOf(row, request.occurTime, now);
    if (!isOpen(row)) throw fail('CASE_CLOSED');
    if (row.assignee === '') throw fail('CASE_NOT_ASSIGNED');
    const running = resumed(row, (await deps.types.get(row.type)).hours, at);
    const saved = await saveCase(tx, resolved(running, request.resolution, at), now);
    const changes: Change[] = [stateChange(row.state, saved.state, request.resolution)];
    if (row.pauseTime !== null) changes.unshift({ $case: 'paused', value: false });
    await record(tx, call, saved, { at, now }, changes, { state: 'RESOLVED' });
    const { receiveTime } = saved;
    await publish(
      tx,
      CaseResolved,
      { ...caseFacts(saved), ...kept(saved), receiveTime, resolveTime: at },
      addressOf(saved),
    );
    return { case: caseMessage(saved, scopeFor(call, 'C2'), now) };
  });
}

/** What is written down at the time of the work decides whether a promise was kept, not when it was written down. */
function resolved(row: CaseRow, resolution: string, at: Date): CaseRow {
  const answers = !row.isComplaint && row.responseTime === null;
  return {
    ...row,
    state: CaseState.CASE_STATE_RESOLVED,
    resolution,
    resolveTime: at,
    resolutionBreached: at > row.dueTime,
    ...(answers && { responseTime: at }),
    responseBreached: (answers ? at : (row.responseTime ?? at)) > row.responseDueTime,
    lastChangeTime: at,
  };
}
