import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListSegmentsRequest, ListSegmentsResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { segmentMessage, type VersionRow, versionRows } from './segment.js';

/** A word as a pattern of LIKE that finds it anywhere. */
const anywhere = (word: string): string => `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`;

/** Gives segments by id, each with its newest version. */
export async function listSegments(
  { db }: Deps,
  request: ListSegmentsRequest,
  call: Call,
): Promise<ListSegmentsResponse> {
  const size = pageSize(request);
  const [after] = decodePage(call, request, 'string') ?? [''];
  const under = request.organisationPath;
  const asked = scopeFilter(under === '' ? { kind: 'everything' } : { kind: 'rows', subtree: under }, {
    path: 's.organisation_path',
  });
  const words = request.query.split(/\s+/).filter((word) => word !== '');
  // The whole bank has some thousands of segments: reading each title takes milliseconds.
  const found = sql`(s.title || ' ' || s.segment_id) ILIKE ALL(${words.map(anywhere)}::text[])`;
  const rows = await db.scoped(call.scope).rows<VersionRow & { published_version: number }>(sql`
    SELECT l.*, coalesce((SELECT p.version FROM segment_version p WHERE p.segment_id = l.segment_id AND p.state = 3), 0)
      AS published_version
    FROM (${versionRows}
      WHERE s.segment_id > ${after} AND ${scopeFilter(call.scope, { path: 's.organisation_path' })} AND ${asked}
        AND v.version = (SELECT max(n.version) FROM segment_version n WHERE n.segment_id = s.segment_id)
        AND (${request.state} = 0 OR v.state = ${request.state}) AND ${found}
        AND (NOT ${request.inUse}::boolean OR EXISTS (
          SELECT FROM segment_version u WHERE u.segment_id = s.segment_id AND u.state = 3))
      ORDER BY s.segment_id LIMIT ${size + 1}) l
    ORDER BY l.segment_id`);
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    segments: page.map((row) => segmentMessage(row, row.published_version)),
    nextPageToken: rows.length > size && last ? encodePage(call, request, [last.segment_id]) : '',
  };
}
