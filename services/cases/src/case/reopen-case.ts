import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { CaseReopened, CaseState, type ReopenCaseRequest, ReopenCaseResponse } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { addressOf, caseFacts, caseMessage, isOpen, lockCase, momentOf, saveCase } from './case.js';
import { record, stateChange } from './record.js';

/** Opens a resolved or closed case again; due times, steps and assignee stay as they were. */
export async function reopenCase(deps: Deps, request: ReopenCaseRequest, call: Call): Promise<ReopenCaseResponse> {
  return idempotent(deps.db.plain, call, request, ReopenCaseResponse, async (tx) => {
    const row = await lockCase(tx, call.scope, request);
    const now = deps.clock.now();
    const at = momentOf(row, request.occurTime, now);
    if (isOpen(row)) throw fail('CASE_NOT_RESOLVED');
    const state = CaseState.CASE_STATE_REOPENED;
    const reopenCount = row.reopenCount + 1;
    const saved = await saveCase(
      tx,
      { ...row, state, reopenCount, resolveTime: null, closeTime: null, lastChangeTime: at },
      now,
    );
    const changes = [stateChange(row.state, state, request.reason)];
    await record(tx, call, saved, { at, now }, changes, { state: 'REOPENED', reopen_count: reopenCount });
    await publish(
      tx,
      CaseReopened,
      { ...caseFacts(saved), reopenTime: at, reopenCount, previousState: row.state },
      addressOf(saved),
    );
    return { case: caseMessage(saved, scopeFor(call, 'C2'), now) };
  });
}
