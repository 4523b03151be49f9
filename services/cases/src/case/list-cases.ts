import { type Sql, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListCasesRequest, ListCasesResponse } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { membersOf } from '../merge/merge.js';
import { typeIdIn } from '../type/type.js';
import { type CaseRow, caseColumns, caseMessage, caseName, openStates, seenBy } from './case.js';

interface Order {
  /** The sort value of a row, for the page token. */
  of(row: CaseRow): Date;
  by: Sql;
  after(time: Date, caseId: string): Sql;
}

const dueFirst: Order = {
  of: (row) => row.dueTime,
  by: sql`due_time, case_id`,
  after: (time, caseId) => sql`(due_time, case_id) > (${time}, ${caseId}::uuid)`,
};

const orders: Readonly<Record<string, Order>> = {
  '': dueFirst,
  due_time: dueFirst,
  'due_time desc': {
    of: (row) => row.dueTime,
    by: sql`due_time DESC, case_id DESC`,
    after: (time, caseId) => sql`(due_time, case_id) < (${time}, ${caseId}::uuid)`,
  },
  'receive_time desc': {
    of: (row) => row.receiveTime,
    by: sql`receive_time DESC, case_id DESC`,
    after: (time, caseId) => sql`(receive_time, case_id) < (${time}, ${caseId}::uuid)`,
  },
};

/** Lists the cases that the caller may see, those due first at the front unless another order is asked for. */
export async function listCases(deps: Deps, request: ListCasesRequest, call: Call): Promise<ListCasesResponse> {
  const size = pageSize(request);
  const order = orders[request.orderBy] ?? dueFirst;
  const now = deps.clock.now();
  const wanted = conditions(request, now);
  const from = decodePage(call, request, 'date', 'uuid');
  if (from) wanted.push(order.after(...from));
  const rows = await deps.db.scoped(call.scope).rows<CaseRow>(sql`
    SELECT ${caseColumns} FROM service_case
    WHERE ${sql.join([seenBy(call.scope), ...wanted], ' AND ')}
    ORDER BY ${order.by} LIMIT ${size + 1}`);
  const shown = rows.slice(0, size);
  await deps.reads.record(
    call,
    shown.map((row) => caseName(row.caseId)),
  );
  const clear = scopeFor(call, 'C2');
  const last = shown.at(-1);
  return {
    cases: shown.map((row) => ({ ...caseMessage(row, clear, now), description: '' })),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [order.of(last), last.caseId]) : '',
  };
}

function conditions(request: ListCasesRequest, now: Date): Sql[] {
  const { states, assignee, party, type, overdue, organisationPath } = request;
  const wanted: Sql[] = [];
  if (states.length > 0) wanted.push(sql`state = ANY(${states}::smallint[])`);
  if (assignee !== '') wanted.push(sql`assignee = ${assignee}`);
  if (party !== '') wanted.push(sql`party_id = ANY(${membersOf(party.slice('parties/'.length))})`);
  if (type !== '') wanted.push(sql`type = ${typeIdIn(type)}`);
  if (overdue) wanted.push(sql`${openStates} AND pause_time IS NULL AND due_time < ${now}`);
  if (organisationPath !== '') wanted.push(seenBy({ kind: 'rows', subtree: organisationPath }));
  return wanted;
}
