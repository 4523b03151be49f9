import type { Call } from '@rapport/kit/rpc';
import type { GetMembershipsRequest, GetMembershipsResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { lastEventTime } from '../fact/fact.js';
import { goldenOf } from '../merge/merge.js';
import { type MembershipRow, membershipMessage, membershipRows } from './membership.js';

/** Gives the published segments that a party, or the golden record it was merged into, is in; none for a party out of the caller's reach. */
export async function getMemberships(
  { db, reads }: Deps,
  request: GetMembershipsRequest,
  call: Call,
): Promise<GetMembershipsResponse> {
  const party = request.party.slice('parties/'.length);
  const golden = (await goldenOf(db.system, [party])).get(party) ?? party;
  const [rows, asOf] = await Promise.all([
    db.scoped(call.scope).rows<MembershipRow>(membershipRows(call.scope, [golden])),
    lastEventTime(db),
  ]);
  await reads.record(call, request.party);
  return { memberships: rows.map(membershipMessage), asOf };
}
