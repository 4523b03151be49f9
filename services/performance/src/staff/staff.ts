import { type Queryable, type Scope, scopeFilter, sql, type Sql, type Tx, within } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { etag } from '@rapport/kit/rpc';
import { type Staff, StaffChanged, StaffState } from '@rapport/proto/performance/v1';
import { unitIdIn, unitName } from '../unit/unit.js';

/** A member of the staff as stored. */
export interface StaffRow {
  /** Resource name, `staff/{id}`. */
  staff: string;
  displayName: string;
  unitId: string;
  organisationPath: string;
  roles: string[];
  state: number;
  version: number;
  createTime: Date;
  updateTime: Date;
}

/** The columns of a `StaffRow`, of the table `staff` under its own name. */
export const staffColumns: Sql = sql.raw(`staff.staff, staff.display_name AS "displayName", staff.unit_id AS "unitId",
  staff.organisation_path AS "organisationPath", staff.roles, staff.state, staff.version,
  staff.create_time AS "createTime", staff.update_time AS "updateTime"`);

/** The message of a row; the person's name only inside `clear`. */
export function staffMessage(row: StaffRow, clear: Scope): Staff {
  return {
    name: row.staff,
    displayName: within(clear, row.organisationPath, row.staff) ? row.displayName : '',
    unit: unitName(row.unitId),
    organisationPath: row.organisationPath,
    roles: row.roles,
    state: row.state,
    createTime: row.createTime,
    updateTime: row.updateTime,
    etag: etag(row.staff, row.version),
  };
}

/** The paths of the units that the given ids name, as far as they lie inside the scope. */
export async function unitPaths(on: Queryable, ids: readonly string[], scope: Scope): Promise<Map<string, string>> {
  const rows = await on.rows<{ id: string; path: string }>(sql`
    SELECT unit_id AS id, organisation_path AS path FROM unit
    WHERE unit_id = ANY(${[...new Set(ids)]}::text[]) AND ${scopeFilter(scope, { path: 'unit.organisation_path' })}`);
  return new Map(rows.map((row) => [row.id, row.path]));
}

/** Adds those who are not there yet, in one statement, and gives the rows added. */
export async function insertStaff(
  tx: Tx,
  people: readonly { staffId: string; staff?: Staff | undefined }[],
  paths: ReadonlyMap<string, string>,
  time: Date,
): Promise<StaffRow[]> {
  const rows = people.map(({ staffId, staff }) => ({
    staff: `staff/${staffId}`,
    name: staff?.displayName,
    unit: unitIdIn(staff?.unit ?? ''),
    path: paths.get(unitIdIn(staff?.unit ?? '')),
    roles: staff?.roles ?? [],
    state: staff?.state || StaffState.STAFF_STATE_ACTIVE,
  }));
  const added = await tx.rows<StaffRow>(sql`
    INSERT INTO staff (staff, display_name, unit_id, organisation_path, roles, state, create_time, update_time)
    SELECT r.staff, r.name, r.unit, r.path, r.roles, r.state, ${time}::timestamptz, ${time}::timestamptz
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      AS r (staff text, name text, unit text, path text, roles text[], state smallint)
    ON CONFLICT (staff) DO NOTHING
    RETURNING ${staffColumns}`);
  if (added.length > 0) await recordStaff(tx, added, time);
  return added;
}

/** Keeps where people work from `time` on, and tells of it without their names. */
export async function recordStaff(tx: Tx, changed: readonly StaffRow[], time: Date): Promise<void> {
  await tx.run(sql`
    INSERT INTO staff_history (staff, version, record_time, unit_id, organisation_path, state)
    SELECT staff, version, ${time}::timestamptz, unit, path, state
    FROM unnest(${changed.map((row) => row.staff)}::text[], ${changed.map((row) => row.version)}::integer[],
      ${changed.map((row) => row.unitId)}::text[], ${changed.map((row) => row.organisationPath)}::text[],
      ${changed.map((row) => row.state)}::smallint[]) AS changed (staff, version, unit, path, state)`);
  const events = changed.map((row) => ({
    message: StaffChanged.fromPartial({
      staff: row.staff,
      unit: unitName(row.unitId),
      organisationPath: row.organisationPath,
      roles: row.roles,
      state: row.state,
      changeTime: time,
    }),
    options: { aggregate: row.staff.slice('staff/'.length), subject: row.staff },
  }));
  await publishAll(tx, StaffChanged, events);
}
