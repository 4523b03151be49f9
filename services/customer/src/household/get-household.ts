import { sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { GetHouseholdRequest, GetHouseholdResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { idsIn } from '../party/party.js';
import { householdColumns, householdMessage, type HouseholdRecord, noHousehold } from './household.js';

/** Gives a household as far as the caller may see its members. */
export async function getHousehold(
  deps: Deps,
  request: GetHouseholdRequest,
  call: Call,
): Promise<GetHouseholdResponse> {
  const id = idsIn(request.name)?.[0];
  if (id === undefined) throw noHousehold(request.name);
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const row = await on.maybe<HouseholdRecord>(sql`
    SELECT ${householdColumns} FROM household WHERE household_id = ${id}`);
  const household = row && (await householdMessage(on, row, scope, request.history));
  if (!household) throw noHousehold(request.name);
  await deps.reads.record(call, [request.name, ...household.members.map(({ party }) => party)]);
  return { household };
}
