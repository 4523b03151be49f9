import type { GroupedRead } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type { GetMembershipsRequest, GetMembershipsResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { membershipMessage, membershipRows, type PartyMemberships } from './membership.js';

/** Memberships by party. Calls that arrive together share a statement. */
const membershipsOf: GroupedRead<PartyMemberships> = {
  query: (parties, scope) => membershipRows(scope, parties),
  key: ({ party }) => party,
};

/** Gives the published segments that a party, or the golden record it was merged into, is in; none for a party out of the caller's reach. */
export async function getMemberships(
  { db, reads }: Deps,
  request: GetMembershipsRequest,
  call: Call,
): Promise<GetMembershipsResponse> {
  const row = await db.grouped(call.scope, membershipsOf, request.party.slice('parties/'.length));
  await reads.record(call, request.party);
  return { memberships: (row?.memberships ?? []).map(membershipMessage), asOf: row?.as_of ?? undefined };
}
