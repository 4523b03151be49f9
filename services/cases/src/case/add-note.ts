import { type Call, idempotent } from '@rapport/kit/rpc';
import { type AddNoteRequest, AddNoteResponse, type CaseHistoryEntry, CaseState } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import type { Change } from '../history/history.js';
import { type CaseRow, lockCase, momentOf, saveCase } from './case.js';
import { record, stateChange } from './record.js';

/** Adds a note to the history; the assignee's first note begins the work. */
export async function addNote(deps: Deps, request: AddNoteRequest, call: Call): Promise<AddNoteResponse> {
  return idempotent(deps.db.plain, call, request, AddNoteResponse, async (tx) => {
    const row = await lockCase(tx, call.scope, { name: request.name });
    const now = deps.clock.now();
    const at = momentOf(row, request.occurTime, now);
    const after = worked(row, call.principal.subject, at);
    if (after !== row) await saveCase(tx, after, now);
    const changes: Change[] = [{ $case: 'note', value: { text: request.text } }];
    if (after.state !== row.state) changes.push(stateChange(row.state, after.state));
    const [entry] = await record(tx, call, row, { at, now }, changes, { note: true });
    return { entry: entry as CaseHistoryEntry };
  });
}

/** The case after its assignee did something for it; the row itself when that changes nothing. */
function worked(row: CaseRow, subject: string, at: Date): CaseRow {
  if (subject !== row.assignee) return row;
  const begins = row.state === CaseState.CASE_STATE_ASSIGNED;
  const answers = !row.isComplaint && row.responseTime === null;
  if (!begins && !answers) return row;
  return {
    ...row,
    ...(begins && { state: CaseState.CASE_STATE_IN_PROGRESS }),
    ...(answers && { responseTime: at, responseBreached: at > row.responseDueTime }),
    lastChangeTime: at,
  };
}
