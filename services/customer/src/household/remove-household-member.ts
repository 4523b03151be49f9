import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import {
  HouseholdRole,
  type RemoveHouseholdMemberRequest,
  RemoveHouseholdMemberResponse,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, membersOf, partyName } from '../party/party.js';
import { type Changed, householdMessage, lockHousehold, membersIn, noteChange } from './household.js';

/** Takes a party that the caller sees out of a household. */
export async function removeHouseholdMember(
  deps: Deps,
  request: RemoveHouseholdMemberRequest,
  call: Call,
): Promise<RemoveHouseholdMemberResponse> {
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    RemoveHouseholdMemberResponse,
    async (tx) => {
      const household = await lockHousehold(tx, request.name);
      const party = await assertParty(tx, request.party, scope);
      const time = deps.clock.now();
      const left = await tx.run(sql`UPDATE household_member SET leave_time = greatest(${time}, join_time)
        WHERE household_id = ${household.householdId} AND party_id = ANY(${membersOf(party)}::uuid[])
          AND leave_time IS NULL`);
      if (left === 0) throw fail('PARTY_NOT_FOUND', { metadata: { party: request.party } });
      const { partyId, organisationPath } = party;
      const changed: Changed[] = [{ partyId, organisationPath, role: HouseholdRole.HOUSEHOLD_ROLE_UNSPECIFIED }];
      const [first] = await membersIn(tx, household.householdId, everything);
      const head = HouseholdRole.HOUSEHOLD_ROLE_HEAD;
      if (first && first.role !== head) {
        await tx.run(sql`UPDATE household_member SET role = ${head}
          WHERE household_id = ${household.householdId} AND party_id = ${first.partyId} AND leave_time IS NULL`);
        changed.push({ partyId: first.goldenId, organisationPath: first.organisationPath, role: head });
      }
      const row = await noteChange(tx, household, changed, time);
      await audit(tx, call, { resource: [request.name, partyName(partyId)], change: { left: true } });
      return { household: await householdMessage(tx, row, scope) };
    },
    // The next head may stand outside of what the caller sees.
    { scope: everything },
  );
}
