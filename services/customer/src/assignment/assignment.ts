import { type Sql, sql } from '@rapport/kit/db';
import type { Assignment } from '@rapport/proto/customer/v1';

/** Until when somebody looked after a party, and why the next one took over. */
export interface FormerRecord {
  endTime: Date;
  formerManager: string;
  formerPath: string;
  formerBranch: string;
  reason: string;
}

/** The columns of a `FormerRecord`, of the table former_assignment under the name f. */
export const formerColumns: Sql = sql.raw(`f.end_time AS "endTime", f.former_manager AS "formerManager",
  f.former_path AS "formerPath", f.former_branch AS "formerBranch", f.reason`);

/** A row that came as JSON. */
export function formerFromJson(json: FormerRecord): FormerRecord {
  return { ...json, endTime: new Date(json.endTime) };
}

/** Who looks after a party now. */
export interface Current {
  manager: string;
  organisationPath: string;
  branch: string;
  createTime: Date;
}

/**
 * The assignments of a party, newest first: who looks after it now, which `first` leaves out, then those before. Each
 * begins where the row before it in time ends; of the last row that is not known when there are more rows than these.
 */
export function assignmentsOf(current: Current, rows: readonly FormerRecord[], first: 'now' | 'former'): Assignment[] {
  const starts = (index: number) => ({
    startTime: rows[index]?.endTime ?? current.createTime,
    reason: rows[index]?.reason ?? '',
  });
  const former: Assignment[] = rows.map((row, index) => ({
    relationshipManager: row.formerManager,
    organisationPath: row.formerPath,
    branch: row.formerBranch,
    endTime: row.endTime,
    ...starts(index + 1),
  }));
  if (first === 'former') return former;
  const { manager, organisationPath, branch } = current;
  return [{ relationshipManager: manager, organisationPath, branch, endTime: undefined, ...starts(0) }, ...former];
}
