import { sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type { BatchGetMembershipsRequest, BatchGetMembershipsResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { parseName } from '../segment/segment.js';
import { membershipMessage, membershipRows, type PartyMemberships } from './membership.js';

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
  const rows = await db.scoped(call.scope).rows<PartyMemberships>(membershipRows(call.scope, [...new Set(ids)], only));
  await reads.record(call, request.parties);
  const byParty = new Map(rows.map((row) => [row.party, row.memberships]));
  return {
    parties: request.parties.map((party, index) => ({
      party,
      memberships: (byParty.get(ids[index] ?? '') ?? []).map(membershipMessage),
    })),
    asOf: rows[0]?.as_of ?? undefined,
  };
}
