import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListSegmentVersionsRequest, ListSegmentVersionsResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { parseName, type VersionRow, versionMessage, versionRows } from './segment.js';

/** Gives the versions of a segment, the newest first. Throws SEGMENT_NOT_FOUND. */
export async function listSegmentVersions(
  { db }: Deps,
  request: ListSegmentVersionsRequest,
  call: Call,
): Promise<ListSegmentVersionsResponse> {
  const size = pageSize(request);
  const [before] = decodePage(call, request, 'number') ?? [undefined];
  const { segmentId } = parseName(request.parent);
  const rows = await db.scoped(call.scope).rows<VersionRow>(sql`${versionRows}
    WHERE s.segment_id = ${segmentId} AND ${scopeFilter(call.scope, { path: 's.organisation_path' })}
      AND v.version < ${before ?? 2_147_483_647}
    ORDER BY v.version DESC LIMIT ${size + 1}`);
  if (rows.length === 0 && before === undefined) {
    throw fail('SEGMENT_NOT_FOUND', { metadata: { segment: request.parent } });
  }
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    versions: page.map(versionMessage),
    nextPageToken: rows.length > size && last ? encodePage(call, request, [last.version]) : '',
  };
}
