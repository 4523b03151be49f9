import { audit } from '@rapport/kit/crypto';
import { everything, sql, type Tx } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import {
  type AddHouseholdMemberRequest,
  AddHouseholdMemberResponse,
  type HouseholdMember,
  HouseholdRole,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, partyName } from '../party/party.js';
import {
  type Changed,
  householdMessage,
  type HouseholdRecord,
  invalidHousehold,
  join,
  lockHousehold,
  membersIn,
  MOST_MEMBERS,
  noHousehold,
  noteChange,
} from './household.js';

const HEAD = HouseholdRole.HOUSEHOLD_ROLE_HEAD;

/** Takes a party into a household of which the caller sees a member, or gives a member another role. */
export async function addHouseholdMember(
  deps: Deps,
  request: AddHouseholdMemberRequest,
  call: Call,
): Promise<AddHouseholdMemberResponse> {
  const { party: name, role } = request.member as HouseholdMember;
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    AddHouseholdMemberResponse,
    async (tx) => {
      const household = await lockHousehold(tx, request.name);
      if ((await membersIn(tx, household.householdId, scope)).length === 0) throw noHousehold(request.name);
      const party = await assertParty(tx, name, scope, sql`FOR UPDATE OF golden`);
      const members = await membersIn(tx, household.householdId, everything);
      const already = members.find(({ goldenId }) => goldenId === party.partyId);
      const time = deps.clock.now();
      const changed: Changed[] = [];
      if (already?.role === HEAD && role !== HEAD) {
        throw invalidHousehold('member.role', 'is the head: make another party the head first');
      }
      if (already?.role !== role) {
        if (role === HEAD) changed.push(...(await demoteHead(tx, household, members)));
        if (already) await setRole(tx, household, already.partyId, role);
        else if (members.length >= MOST_MEMBERS) throw fail('HOUSEHOLD_FULL');
        else await join(tx, household, party, role, time);
        changed.push({ partyId: party.partyId, organisationPath: party.organisationPath, role });
      }
      const row = changed.length > 0 ? await noteChange(tx, household, changed, time) : household;
      const resource = [request.name, partyName(party.partyId)];
      await audit(tx, call, { resource, change: { role, changed: changed.length > 0 } });
      return { household: await householdMessage(tx, row, scope) };
    },
    // The head that makes room may stand outside of what the caller sees.
    { scope: everything },
  );
}

async function demoteHead(
  tx: Tx,
  household: HouseholdRecord,
  members: Awaited<ReturnType<typeof membersIn>>,
): Promise<Changed[]> {
  const role = HouseholdRole.HOUSEHOLD_ROLE_MEMBER;
  const heads = members.filter((member) => member.role === HEAD);
  for (const { partyId } of heads) await setRole(tx, household, partyId, role);
  return heads.map(({ goldenId, organisationPath }) => ({ partyId: goldenId, organisationPath, role }));
}

async function setRole(tx: Tx, household: HouseholdRecord, partyId: string, role: HouseholdRole): Promise<void> {
  await tx.run(sql`UPDATE household_member SET role = ${role}
    WHERE household_id = ${household.householdId} AND party_id = ${partyId} AND leave_time IS NULL`);
}
