import { sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { GetStaffRequest, GetStaffResponse } from '@rapport/proto/performance/v1';
import { aboutStaff } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { staffColumns, staffMessage, type StaffRow } from './staff.js';

/** Gives one member of the staff; the name only where the caller may see it. */
export async function getStaff(deps: Deps, request: GetStaffRequest, call: Call): Promise<GetStaffResponse> {
  const row = await deps.db.scoped(call.scope).maybe<StaffRow>(sql`
    SELECT ${staffColumns} FROM staff WHERE staff.staff = ${request.name} AND ${aboutStaff(call.scope, 'staff')}`);
  if (!row) throw fail('STAFF_NOT_FOUND', { metadata: { staff: request.name } });
  await deps.reads.record(call, request.name);
  return { staff: staffMessage(row, scopeFor(call, 'C2')) };
}
