import { audit } from '@rapport/kit/crypto';
import { type Scope, sql, type Tx, within } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type CreateUnitRequest,
  CreateUnitResponse,
  type OrganisationUnit,
  UnitKind,
} from '@rapport/proto/performance/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { keepTree, recordTime } from '../knowledge/knowledge.js';
import { findUnit, recordUnits, unitColumns, unitIdIn, unitMessage, unitName, type UnitRow } from './unit.js';

const SEGMENT_LENGTH = 40;
const PATH_LENGTH = 200;

/** Adds a unit below one that the caller may see; a bank only for who sees everything. Publishes UnitChanged. */
export async function createUnit(deps: Deps, request: CreateUnitRequest, call: Call): Promise<CreateUnitResponse> {
  const unit = request.organisationUnit as OrganisationUnit;
  const id = request.organisationUnitId;
  const segment = segmentOf(unit, id);
  if ((unit.kind === UnitKind.UNIT_KIND_BANK) !== (unit.parent === '')) throw misplaced();
  return idempotent(deps.db.plain, call, request, CreateUnitResponse, async (tx) => {
    await keepTree(tx);
    const above = unit.parent === '' ? '' : await pathAbove(tx, unit, call.scope);
    const path = `${above}/${segment}`;
    if (path.length > PATH_LENGTH) throw tooLong('the organisation path would be longer than 200 characters');
    if (!within(call.scope, path)) {
      throw fail('ORGANISATION_PATH_OUTSIDE', { metadata: { organisation_path: path } });
    }
    const time = await recordTime(tx);
    const row = await tx
      .one<UnitRow>(sql`
      INSERT INTO unit (unit_id, parent_id, title, kind, segment, organisation_path, create_time, update_time)
      VALUES (${id}, ${unit.parent === '' ? null : unitIdIn(unit.parent)}, ${unit.title}, ${unit.kind}, ${segment}, ${path},
        ${time}, ${time})
      RETURNING ${unitColumns}`)
      .catch(taken);
    await recordUnits(tx, [row], time);
    await audit(tx, call, { resource: unitName(id), change: { created: true, kind: row.kind, path } });
    return { organisationUnit: unitMessage(row) };
  });
}

async function pathAbove(tx: Tx, unit: OrganisationUnit, scope: Scope): Promise<string> {
  const parent = await findUnit(tx, unitIdIn(unit.parent), scope);
  if (!parent) {
    const violations = [{ field: 'organisation_unit.parent', description: 'is not there' }];
    throw fail('PARENT_UNIT_NOT_FOUND', { violations });
  }
  if (unit.kind <= parent.kind) throw misplaced();
  return parent.organisationPath;
}

function segmentOf(unit: OrganisationUnit, id: string): string {
  const segment = unit.segment || id.replaceAll('.', '-');
  if (segment.length > SEGMENT_LENGTH) throw tooLong('must be given when the id is longer than 40 characters');
  return segment;
}

function tooLong(description: string) {
  return fail('FIELD_INVALID', { violations: [{ field: 'organisation_unit.segment', description }] });
}

function misplaced() {
  const description = 'must be lower than the level of the parent; a bank has no parent';
  return fail('UNIT_KIND_MISPLACED', { violations: [{ field: 'organisation_unit.kind', description }] });
}

function taken(error: unknown): never {
  const constraint = error instanceof Error && 'constraint' in error ? error.constraint : undefined;
  if (constraint === 'unit_pkey') throw fail('UNIT_EXISTS');
  if (constraint === 'unit_organisation_path_key') throw fail('SEGMENT_TAKEN');
  throw error;
}
