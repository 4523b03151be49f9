import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type CreateHouseholdRequest,
  CreateHouseholdResponse,
  type Household,
  HouseholdRole,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty } from '../party/party.js';
import { type Changed, householdMessage, householdName, invalidHousehold, join, noteChange } from './household.js';

/** Puts parties together that the caller sees. */
export async function createHousehold(
  deps: Deps,
  request: CreateHouseholdRequest,
  call: Call,
): Promise<CreateHouseholdResponse> {
  const { kind, members } = request.household as Household;
  const heads = members.filter(({ role }) => role === HouseholdRole.HOUSEHOLD_ROLE_HEAD).length;
  if (heads !== 1) throw invalidHousehold('household.members', 'needs exactly one head');
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    CreateHouseholdResponse,
    async (tx) => {
      const time = deps.clock.now();
      const household = { householdId: uuidv7(), kind };
      await tx.run(sql`INSERT INTO household (household_id, kind, members, create_time, update_time, version)
        VALUES (${household.householdId}, ${kind}, 0, ${time}, ${time}, 0)`);
      const joined: Changed[] = [];
      // In one order, so that two calls with the same parties wait for each other instead of for ever.
      for (const { party: name, role } of members.toSorted((a, b) => (a.party < b.party ? -1 : 1))) {
        const party = await assertParty(tx, name, scope, sql`FOR UPDATE OF golden`);
        if (joined.some(({ partyId }) => partyId === party.partyId)) {
          throw invalidHousehold('household.members', 'names a party twice');
        }
        await join(tx, household, party, role, time);
        joined.push({ partyId: party.partyId, organisationPath: party.organisationPath, role });
      }
      const row = await noteChange(tx, household, joined, time);
      await audit(tx, call, {
        resource: [householdName(row.householdId), ...joined.map(({ partyId }) => `parties/${partyId}`)],
        change: { kind, members: row.members },
      });
      return { household: await householdMessage(tx, row, scope) };
    },
    // A member may be in another household through a party outside of what the caller sees; the rule holds all the same.
    { scope: everything },
  );
}
