import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListStaffRequest, ListStaffResponse } from '@rapport/proto/performance/v1';
import { aboutStaff, below } from '../access/access.js';
import type { Deps } from '../deps.js';
import { unitIdIn } from '../unit/unit.js';
import { staffColumns, staffMessage, type StaffRow, unitPaths } from './staff.js';

/** Lists staff by name of the resource. An unknown unit has none. */
export async function listStaff(deps: Deps, request: ListStaffRequest, call: Call): Promise<ListStaffResponse> {
  const on = deps.db.scoped(call.scope);
  const size = pageSize(request);
  const after = decodePage(call, request, 'string')?.[0];
  const wanted = [aboutStaff(call.scope, 'staff')];
  if (request.unit !== '') {
    const id = unitIdIn(request.unit);
    const path = (await unitPaths(on, [id], call.scope)).get(id);
    if (path === undefined) return { staff: [], nextPageToken: '' };
    wanted.push(below(sql.raw('staff.organisation_path'), path));
  }
  if (request.role !== '') wanted.push(sql`${request.role} = ANY(staff.roles)`);
  if (request.state !== 0) wanted.push(sql`staff.state = ${request.state}`);
  if (after !== undefined) wanted.push(sql`staff.staff > ${after}`);
  const rows = await on.rows<StaffRow>(sql`
    SELECT ${staffColumns} FROM staff WHERE ${sql.join(wanted, ' AND ')} ORDER BY staff.staff LIMIT ${size + 1}`);
  const shown = rows.slice(0, size);
  await deps.reads.record(
    call,
    shown.map((row) => row.staff),
  );
  const clear = scopeFor(call, 'C2');
  const last = shown.at(-1);
  return {
    staff: shown.map((row) => staffMessage(row, clear)),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.staff]) : '',
  };
}
