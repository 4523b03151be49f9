import { sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type { BatchGetMembershipsRequest, BatchGetMembershipsResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { lastEventTime } from '../fact/fact.js';
import { goldenOf } from '../merge/merge.js';
import { parseName } from '../segment/segment.js';
import { type MembershipRow, membershipMessage, membershipRows } from './membership.js';

/** Gives the published segments that each party is in, in the order asked for. */
export async function batchGetMemberships(
  { db, reads }: Deps,
  request: BatchGetMembershipsRequest,
  call: Call,
): Promise<BatchGetMembershipsResponse> {
  const ids = request.parties.map((party) => party.slice('parties/'.length));
  const { segmentId, version } = parseName(request.segmentVersion);
  const only =
    request.segmentVersion === '' ? sql`TRUE` : sql`m.segment_id = ${segmentId} AND m.version = ${version ?? 0}`;
  const golden = await goldenOf(db.system, ids);
  const [rows, asOf] = await Promise.all([
    db.scoped(call.scope).rows<MembershipRow>(membershipRows(call.scope, [...new Set(golden.values())], only)),
    lastEventTime(db),
  ]);
  await reads.record(call, request.parties);
  const byParty = Map.groupBy(rows, (row) => row.party_id);
  return {
    parties: request.parties.map((party, index) => ({
      party,
      memberships: (byParty.get(golden.get(ids[index] ?? '') ?? '') ?? []).map(membershipMessage),
    })),
    asOf,
  };
}
