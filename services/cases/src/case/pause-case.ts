import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type PauseCaseRequest, PauseCaseResponse } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { caseMessage, isOpen, lockCase, momentOf, saveCase } from './case.js';
import { paused } from './clock.js';
import { record } from './record.js';

/** Stops the clocks because the bank waits for somebody else. */
export async function pauseCase(deps: Deps, request: PauseCaseRequest, call: Call): Promise<PauseCaseResponse> {
  return idempotent(deps.db.plain, call, request, PauseCaseResponse, async (tx) => {
    const row = await lockCase(tx, call.scope, request);
    const now = deps.clock.now();
    const at = momentOf(row, request.occurTime, now);
    if (!isOpen(row)) throw fail('CASE_CLOSED');
    if (row.pauseTime !== null) throw fail('CASE_PAUSED');
    const saved = await saveCase(tx, paused(row, at), now);
    await record(tx, call, saved, { at, now }, [{ $case: 'paused', value: true }], { paused: true });
    return { case: caseMessage(saved, scopeFor(call, 'C2'), now) };
  });
}
