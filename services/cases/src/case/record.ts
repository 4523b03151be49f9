import { audit } from '@rapport/kit/crypto';
import type { Tx } from '@rapport/kit/db';
import { type Call, callerName } from '@rapport/kit/rpc';
import { type CaseHistoryEntry, CaseState } from '@rapport/proto/cases/v1';
import { type Change, writeHistory } from '../history/history.js';

/** Writes down what was done to a case: lines of its history, and one audit record with the facts and no texts. */
export async function record(
  tx: Tx,
  call: Call,
  { caseId }: { caseId: string },
  times: { at: Date; now: Date },
  changes: readonly Change[],
  facts: Readonly<Record<string, string | number | boolean>>,
): Promise<CaseHistoryEntry[]> {
  const line = { caseId, actor: callerName(call), occurTime: times.at, recordTime: times.now };
  const entries = changes.length > 0 ? await writeHistory(tx, line, changes) : [];
  await audit(tx, call, { resource: `cases/${caseId}`, change: facts });
  return entries;
}

/** A line of history for a change of state. */
export function stateChange(from: CaseState, to: CaseState, reason = ''): Change {
  return { $case: 'stateChange', value: { from, to, reason } };
}

/** The name of a state as the contract writes it, for audit records. */
export function stateName(state: CaseState): string {
  return CaseState[state].replace('CASE_STATE_', '');
}
