import { type Queryable, type Scope, type Sql, scopeFilter, sql, type Tx } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { etag } from '@rapport/kit/rpc';
import { type OrganisationUnit, UnitChanged } from '@rapport/proto/performance/v1';

/** A unit as it is stored. */
export interface UnitRow {
  unitId: string;
  parentId: string | null;
  title: string;
  kind: number;
  segment: string;
  organisationPath: string;
  version: number;
  createTime: Date;
  updateTime: Date;
}

/** The columns of a `UnitRow`, of the table `unit` under its own name. */
export const unitColumns: Sql = sql.raw(`unit.unit_id AS "unitId", unit.parent_id AS "parentId", unit.title, unit.kind,
  unit.segment, unit.organisation_path AS "organisationPath", unit.version, unit.create_time AS "createTime",
  unit.update_time AS "updateTime"`);

/** `organisationUnits/{id}`; empty for no unit. */
export function unitName(id: string | null): string {
  return id ? `organisationUnits/${id}` : '';
}

/** The id in a name that the contract's rules have checked. */
export function unitIdIn(name: string): string {
  return name.slice('organisationUnits/'.length);
}

export function unitMessage(row: UnitRow): OrganisationUnit {
  return {
    name: unitName(row.unitId),
    title: row.title,
    kind: row.kind,
    parent: unitName(row.parentId),
    segment: row.segment,
    organisationPath: row.organisationPath,
    createTime: row.createTime,
    updateTime: row.updateTime,
    etag: unitEtag(row),
  };
}

export function unitEtag(row: UnitRow): string {
  return etag(row.unitId, row.version);
}

/** The unit, when it lies inside the scope. */
export function findUnit(on: Queryable, id: string, scope: Scope): Promise<UnitRow | undefined> {
  return on.maybe<UnitRow>(sql`
    SELECT ${unitColumns} FROM unit
    WHERE unit_id = ${id} AND ${scopeFilter(scope, { path: 'unit.organisation_path' })}`);
}

/** Keeps where units stand from `time` on, and tells of it. */
export async function recordUnits(
  tx: Tx,
  changed: readonly (UnitRow & { previousPath?: string })[],
  time: Date,
): Promise<void> {
  await tx.run(sql`
    INSERT INTO unit_history (unit_id, record_time, version, organisation_path)
    SELECT id, ${time}::timestamptz, version, path
    FROM unnest(${changed.map((row) => row.unitId)}::text[], ${changed.map((row) => row.version)}::integer[],
      ${changed.map((row) => row.organisationPath)}::text[]) AS changed (id, version, path)`);
  const events = changed.map((row) => ({
    message: UnitChanged.fromPartial({
      unit: unitName(row.unitId),
      title: row.title,
      kind: row.kind,
      parent: unitName(row.parentId),
      organisationPath: row.organisationPath,
      previousOrganisationPath: row.previousPath ?? '',
      changeTime: time,
    }),
    options: { aggregate: row.unitId, subject: unitName(row.unitId) },
  }));
  await publishAll(tx, UnitChanged, events);
}
