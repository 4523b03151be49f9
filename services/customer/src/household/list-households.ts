import { sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { ListHouseholdsRequest, ListHouseholdsResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty, membersOf } from '../party/party.js';
import { householdColumns, householdMessage, type HouseholdRecord } from './household.js';

/** Gives the households that a party is in now. */
export async function listHouseholds(
  deps: Deps,
  request: ListHouseholdsRequest,
  call: Call,
): Promise<ListHouseholdsResponse> {
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const party = await assertParty(on, request.parent, scope);
  const rows = await on.rows<HouseholdRecord>(sql`
    SELECT ${householdColumns} FROM household
    WHERE household_id IN (SELECT m.household_id FROM household_member m
      WHERE m.party_id = ANY(${membersOf(party)}::uuid[]) AND m.leave_time IS NULL)
    ORDER BY kind, household_id`);
  const households = await Promise.all(rows.map((row) => householdMessage(on, row, scope)));
  await deps.reads.record(call, `${request.parent}/households`);
  return { households: households.filter((household) => household !== undefined) };
}
