import { audit } from '@rapport/kit/crypto';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type CreateStaffRequest, CreateStaffResponse, type Staff } from '@rapport/proto/performance/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { keepTree, recordTime } from '../knowledge/knowledge.js';
import { unitIdIn } from '../unit/unit.js';
import { insertStaff, staffMessage, unitPaths } from './staff.js';

/** Adds a member of the staff to a unit that the caller may see. Publishes StaffChanged. */
export async function createStaff(deps: Deps, request: CreateStaffRequest, call: Call): Promise<CreateStaffResponse> {
  const unit = unitIdIn((request.staff as Staff).unit);
  return idempotent(deps.db.plain, call, request, CreateStaffResponse, async (tx) => {
    await keepTree(tx);
    const paths = await unitPaths(tx, [unit], call.scope);
    if (!paths.has(unit)) {
      throw fail('UNIT_UNKNOWN', { violations: [{ field: 'staff.unit', description: 'is not there' }] });
    }
    const [row] = await insertStaff(tx, [request], paths, await recordTime(tx));
    if (!row) throw fail('STAFF_EXISTS');
    await audit(tx, call, { resource: row.staff, change: { created: true, unit: row.unitId } });
    return { staff: staffMessage(row, scopeFor(call, 'C2')) };
  });
}
