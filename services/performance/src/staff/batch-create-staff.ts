import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type BatchCreateStaffRequest, BatchCreateStaffResponse } from '@rapport/proto/performance/v1';
import { aboutStaff } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { keepTree, recordTime } from '../knowledge/knowledge.js';
import { unitIdIn } from '../unit/unit.js';
import { insertStaff, staffColumns, staffMessage, type StaffRow, unitPaths } from './staff.js';

/** Adds those of the given people who are not there yet, all or none, and gives all as they are. */
export async function batchCreateStaff(
  deps: Deps,
  request: BatchCreateStaffRequest,
  call: Call,
): Promise<BatchCreateStaffResponse> {
  assertDifferent(request);
  return idempotent(deps.db.plain, call, request, BatchCreateStaffResponse, async (tx) => {
    await keepTree(tx);
    const units = request.staff.map(({ staff }) => unitIdIn(staff?.unit ?? ''));
    const paths = await unitPaths(tx, units, call.scope);
    const unknown = units.flatMap((unit, index) =>
      paths.has(unit) ? [] : [{ field: `staff[${index}].staff.unit`, description: 'is not there' }],
    );
    if (unknown.length > 0) throw fail('UNIT_UNKNOWN', { violations: unknown.slice(0, 20) });
    const added = await insertStaff(tx, request.staff, paths, await recordTime(tx));
    const names = request.staff.map(({ staffId }) => `staff/${staffId}`);
    const rows = await tx.rows<StaffRow>(sql`
      SELECT ${staffColumns} FROM staff
      WHERE staff.staff = ANY(${names}::text[]) AND ${aboutStaff(call.scope, 'staff')}`);
    const found = new Map(rows.map((row) => [row.staff, row]));
    // Those who are there but outside of the caller's view cannot be answered.
    const hidden = names.flatMap((name, index) =>
      found.has(name) ? [] : [{ field: `staff[${index}].staff_id`, description: 'is taken' }],
    );
    if (hidden.length > 0) throw fail('STAFF_EXISTS', { violations: hidden.slice(0, 20) });
    await audit(tx, call, {
      resource: added.length > 0 ? added.map((row) => row.staff) : 'staff',
      change: { created: true },
    });
    const clear = scopeFor(call, 'C2');
    return {
      staff: names.map((name) => staffMessage(found.get(name) as StaffRow, clear)),
      existing: names.length - added.length,
    };
  });
}

function assertDifferent({ staff }: BatchCreateStaffRequest): void {
  const seen = new Set<string>();
  const violations = staff.flatMap(({ staffId }, index) => {
    if (!seen.has(staffId)) {
      seen.add(staffId);
      return [];
    }
    return [{ field: `staff[${index}].staff_id`, description: 'is in the request before' }];
  });
  if (violations.length > 0) throw fail('STAFF_ID_TWICE', { violations });
}
