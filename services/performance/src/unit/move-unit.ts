import { audit } from '@rapport/kit/crypto';
import { covers, sql, type Tx } from '@rapport/kit/db';
import { type Call, checkEtag, idempotent } from '@rapport/kit/rpc';
import { type MoveUnitRequest, MoveUnitResponse } from '@rapport/proto/performance/v1';
import { below } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { changeTree, recordTime } from '../knowledge/knowledge.js';
import { recordStaff, staffColumns, type StaffRow } from '../staff/staff.js';
import { findUnit, recordUnits, unitColumns, unitEtag, unitIdIn, unitMessage, type UnitRow } from './unit.js';

const PATH_LENGTH = 200;

type Moved = UnitRow & { previousPath: string };

/**
 * Puts a unit, with everything below it, under another parent. Publishes UnitChanged for each unit whose path changed and
 * StaffChanged for their staff. A unit that stands there already is answered as it is.
 */
export async function moveUnit(deps: Deps, request: MoveUnitRequest, call: Call): Promise<MoveUnitResponse> {
  return idempotent(deps.db.plain, call, request, MoveUnitResponse, async (tx) => {
    await changeTree(tx);
    const unit = await findUnit(tx, unitIdIn(request.name), call.scope);
    if (!unit) throw fail('UNIT_NOT_FOUND', { metadata: { unit: request.name } });
    checkEtag(request.etag, unitEtag(unit));
    const parent = await findUnit(tx, unitIdIn(request.parent), call.scope);
    if (!parent) {
      throw fail('PARENT_UNIT_NOT_FOUND', { violations: [{ field: 'parent', description: 'is not there' }] });
    }
    assertMovable(unit, parent);
    const moved = unit.parentId === parent.unitId ? [] : await move(tx, unit, parent);
    await audit(tx, call, { resource: request.name, change: { parent: request.parent, moved: moved.length } });
    const now = moved.find((row) => row.unitId === unit.unitId) ?? unit;
    return { organisationUnit: unitMessage(now), moved: moved.length };
  });
}

function assertMovable(unit: UnitRow, parent: UnitRow): void {
  const violation = (description: string) => ({ violations: [{ field: 'parent', description }] });
  if (covers(unit.organisationPath, parent.organisationPath)) throw fail('UNIT_CYCLE');
  if (unit.parentId === null || unit.kind <= parent.kind) {
    throw fail('UNIT_KIND_MISPLACED', violation('must be of a higher level; a bank cannot move'));
  }
  if (unit.organisationPath.split('/')[1] !== parent.organisationPath.split('/')[1]) {
    throw fail('PARENT_IN_OTHER_TREE', violation('belongs to another bank'));
  }
}

/** One statement for the units, whatever the size of what moves, and one each for what follows them. */
async function move(tx: Tx, unit: UnitRow, parent: UnitRow): Promise<Moved[]> {
  const from = unit.organisationPath;
  const to = `${parent.organisationPath}/${unit.segment}`;
  const { longest } = await tx.one<{ longest: number }>(sql`
    SELECT max(length(organisation_path)) AS longest FROM unit WHERE ${below(sql.raw('organisation_path'), from)}`);
  if (longest - from.length + to.length > PATH_LENGTH) {
    const description = 'a path below would be longer than 200 characters';
    throw fail('FIELD_INVALID', { violations: [{ field: 'parent', description }] });
  }
  const time = await recordTime(tx);
  const path = sql`${to}::text || substr(organisation_path, ${from.length + 1}::integer)`;
  const rows = await tx
    .rows<Moved>(sql`
    UPDATE unit SET organisation_path = ${path}, version = version + 1, update_time = ${time},
      parent_id = CASE unit_id WHEN ${unit.unitId} THEN ${parent.unitId} ELSE parent_id END
    WHERE ${below(sql.raw('organisation_path'), from)}
    RETURNING ${unitColumns}, ${from}::text || substr(organisation_path, ${to.length + 1}::integer) AS "previousPath"`)
    .catch(taken);
  await recordUnits(tx, rows, time);
  const staff = await tx.rows<StaffRow>(sql`
    UPDATE staff SET organisation_path = ${path}, version = version + 1, update_time = ${time}
    WHERE ${below(sql.raw('organisation_path'), from)}
    RETURNING ${staffColumns}`);
  if (staff.length > 0) await recordStaff(tx, staff, time);
  await tx.run(sql`UPDATE plan SET organisation_path = ${path} WHERE ${below(sql.raw('organisation_path'), from)}`);
  return rows;
}

function taken(error: unknown): never {
  const constraint = error instanceof Error && 'constraint' in error ? error.constraint : undefined;
  if (constraint === 'unit_organisation_path_key') throw fail('SEGMENT_TAKEN');
  throw error;
}
