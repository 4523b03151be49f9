import { covers, type Scope, type ScopeColumns, type Sql, scopeFilter, sql, within } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import { fail } from '../errors.js';

/** What decides whether a caller may see a row. */
export interface Placed {
  organisationPath: string;
  /** Staff id of who looks after it; empty when nobody does. */
  manager: string;
}

/** Whether a row's party shares a household with a customer of the session's staff member; see `household_reach`. */
const ofHousehold = "party_id = ANY ((SELECT household_reach(current_setting('rapport.household', true)))::uuid[])";

/**
 * The condition that keeps the rows inside the scope, for a table of rows that belong to parties: by where they stand,
 * who looks after them and, where the policies say so, the households of the caller's customers.
 */
export function seen(scope: Scope, table: string): Sql {
  const columns: ScopeColumns = { path: `${table}.organisation_path`, manager: `${table}.manager` };
  return scopeFilter(scope, { ...columns, household: sql.raw(`${table}.${ofHousehold}`) });
}

/** For the columns of a party: whether the household condition holds; false where the session names no staff member. */
export const sharedColumn: Sql = sql.raw(`(current_setting('rapport.household', true) <> ''
  AND party.${ofHousehold}) AS shared`);

/** Refuses to put a row where the caller could not see it. */
export function assertInside(scope: Scope, row: Placed): void {
  if (!within(scope, row.organisationPath, row.manager)) throw outside(row);
}

/**
 * Refuses to put a row of one's own (see `within`) into a part of the organisation that lies outside of the caller's:
 * looking after a customer makes it visible, it opens no other branch or bank. What stands elsewhere already stays.
 */
export function assertPlace(call: Call, row: Placed, before?: Placed): void {
  if (row.organisationPath === before?.organisationPath) return;
  if (!covers(call.principal.orgPath, row.organisationPath)) throw outside(row);
}

function outside(row: Placed): Error {
  return fail('ORGANISATION_PATH_OUTSIDE', { metadata: { organisation_path: row.organisationPath } });
}
