import { type Queryable, sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { CaseHistoryEntry } from '@rapport/proto/cases/v1';

/** What can happen to a case. */
export type Change = NonNullable<CaseHistoryEntry['change']>;

/** A line as stored. */
export interface HistoryRow {
  caseId: string;
  entryId: string;
  actor: string;
  occurTime: Date;
  recordTime: Date;
  kind: string;
  detail: unknown;
}

/**
 * Adds lines to the history of a case, in order, all of one actor and moment. Gives the entries as written. One INSERT.
 */
export async function writeHistory(
  tx: Queryable,
  line: { caseId: string; actor: string; occurTime: Date; recordTime: Date },
  changes: readonly Change[],
): Promise<CaseHistoryEntry[]> {
  const rows = changes.map((change) => ({
    ...line,
    entryId: uuidv7(),
    kind: change.$case,
    detail: CaseHistoryEntry.toJSON({ name: '', actor: '', change }),
  }));
  await tx.run(sql`
    INSERT INTO case_history (case_id, entry_id, actor, occur_time, record_time, kind, detail)
    SELECT ${line.caseId}, entry_id, ${line.actor}, ${line.occurTime}, ${line.recordTime}, kind, detail
    FROM unnest(${rows.map((row) => row.entryId)}::uuid[], ${rows.map((row) => row.kind)}::text[],
      ${rows.map((row) => JSON.stringify(row.detail))}::jsonb[]) AS line (entry_id, kind, detail)`);
  return rows.map((row) => historyMessage(row, true));
}

/** The message of a row; `told` says whether texts about the party (class C2) are shown. */
export function historyMessage(row: HistoryRow, told: boolean): CaseHistoryEntry {
  const { change } = CaseHistoryEntry.fromJSON(row.detail);
  return {
    name: `cases/${row.caseId}/history/${row.entryId}`,
    actor: row.actor,
    occurTime: row.occurTime,
    recordTime: row.recordTime,
    change: change && !told ? masked(change) : change,
  };
}

function masked(change: Change): Change {
  switch (change.$case) {
    case 'note':
      return { $case: 'note', value: { text: '' } };
    case 'stateChange':
      return { $case: 'stateChange', value: { ...change.value, reason: '' } };
    case 'survey':
      return { $case: 'survey', value: { ...change.value, comment: '' } };
    default:
      return change;
  }
}
