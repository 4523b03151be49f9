import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type ResumeCaseRequest, ResumeCaseResponse } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { caseMessage, lockCase, momentOf, saveCase } from './case.js';
import { resumed } from './clock.js';
import { record } from './record.js';

/** Lets the clocks run again; due times that had not passed move by the business time of the pause. */
export async function resumeCase(deps: Deps, request: ResumeCaseRequest, call: Call): Promise<ResumeCaseResponse> {
  return idempotent(deps.db.plain, call, request, ResumeCaseResponse, async (tx) => {
    const row = await lockCase(tx, call.scope, request);
    const now = deps.clock.now();
    const at = momentOf(row, request.occurTime, now);
    if (row.pauseTime === null) throw fail('CASE_NOT_PAUSED');
    const { hours } = await deps.types.get(row.type);
    const saved = await saveCase(tx, resumed(row, hours, at), now);
    await record(tx, call, saved, { at, now }, [{ $case: 'paused', value: false }], { paused: false });
    return { case: caseMessage(saved, scopeFor(call, 'C2'), now) };
  });
}
