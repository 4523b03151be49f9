import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListMembersRequest, ListMembersResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { findVersion, reaches } from '../segment/segment.js';

const FIRST = '00000000-0000-0000-0000-000000000000';

/** Gives the members of a version that the caller may see, by name. Throws SEGMENT_NOT_FOUND. */
export async function listMembers(
  { db, reads }: Deps,
  request: ListMembersRequest,
  call: Call,
): Promise<ListMembersResponse> {
  const size = pageSize(request);
  const [after] = decodePage(call, request, 'uuid') ?? [FIRST];
  const on = db.scoped(call.scope);
  const { segment_id: segmentId, version, ...row } = await findVersion(on, call.scope, request.parent);
  const mine = sql`segment_id = ${segmentId} AND version = ${version}
    AND ${scopeFilter(call.scope, { path: 'organisation_path', manager: 'manager' })}`;
  const [rows, { total }] = await Promise.all([
    on.rows<{ party_id: string; enter_time: Date }>(sql`
      SELECT party_id, enter_time FROM membership WHERE ${mine} AND party_id > ${after}::uuid
      ORDER BY party_id LIMIT ${size + 1}`),
    // Whoever sees the whole of the segment's place sees all members, and these are counted as they come and go: counting
    // millions again for each page would take longer than the page.
    reaches(call.scope, row.organisation_path)
      ? { total: row.members }
      : on.one<{ total: bigint }>(sql`SELECT count(*) AS total FROM membership WHERE ${mine}`),
  ]);
  const page = rows.slice(0, size);
  const members = page.map((row) => ({ party: `parties/${row.party_id}`, enterTime: row.enter_time }));
  await reads.record(call, [request.parent, ...members.map(({ party }) => party)]);
  const last = page.at(-1);
  return {
    members,
    nextPageToken: rows.length > size && last ? encodePage(call, request, [last.party_id]) : '',
    total,
  };
}
