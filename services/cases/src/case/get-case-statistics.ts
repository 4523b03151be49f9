import { type Scope, sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type { GetCaseStatisticsRequest, GetCaseStatisticsResponse } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { typeName } from '../type/type.js';
import { openStates, seenBy } from './case.js';

interface Counts {
  type: string;
  open: bigint;
  overdue: bigint;
  unassigned: bigint;
  openComplaints: bigint;
  resolved: bigint;
  closed: bigint;
  total: bigint;
}

/** Counts the cases that the caller may see, as they are now. */
export async function getCaseStatistics(
  deps: Deps,
  request: GetCaseStatisticsRequest,
  call: Call,
): Promise<GetCaseStatisticsResponse> {
  const now = deps.clock.now();
  const under: Scope =
    request.organisationPath === '' ? { kind: 'everything' } : { kind: 'rows', subtree: request.organisationPath };
  const rows = await deps.db.scoped(call.scope).rows<Counts>(sql`
    SELECT type,
      count(*) FILTER (WHERE ${openStates}) AS open,
      count(*) FILTER (WHERE ${openStates} AND pause_time IS NULL AND due_time < ${now}) AS overdue,
      count(*) FILTER (WHERE ${openStates} AND assignee = '') AS unassigned,
      count(*) FILTER (WHERE ${openStates} AND is_complaint) AS "openComplaints",
      count(*) FILTER (WHERE state = 4) AS resolved,
      count(*) FILTER (WHERE state = 5) AS closed,
      count(*) AS total
    FROM service_case WHERE ${seenBy(call.scope)} AND ${seenBy(under)} GROUP BY type ORDER BY type`);
  const sum = (of: (row: Counts) => bigint) => rows.reduce((total, row) => total + of(row), 0n);
  return {
    open: sum((row) => row.open),
    overdue: sum((row) => row.overdue),
    unassigned: sum((row) => row.unassigned),
    openComplaints: sum((row) => row.openComplaints),
    resolved: sum((row) => row.resolved),
    closed: sum((row) => row.closed),
    types: rows.map(({ type, open, overdue, total }) => ({ type: typeName(type), open, overdue, total })),
    asOf: now,
  };
}
