import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListSchemesRequest, ListSchemesResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { schemeMessage, type SchemeRow, schemeRows } from './scheme.js';

/** Gives schemes by id, each with its newest version. */
export async function listSchemes({ db }: Deps, request: ListSchemesRequest, call: Call): Promise<ListSchemesResponse> {
  const size = pageSize(request);
  const [after] = decodePage(call, request, 'string') ?? [''];
  const under = request.organisationPath;
  const asked = scopeFilter(under === '' ? { kind: 'everything' } : { kind: 'rows', subtree: under }, {
    path: 's.organisation_path',
  });
  const rows = await db.scoped(call.scope).rows<SchemeRow & { published_version: number }>(sql`
    SELECT l.*, coalesce((SELECT p.version FROM scheme_version p WHERE p.scheme_id = l.scheme_id AND p.state = 3), 0)
      AS published_version
    FROM (${schemeRows}
      WHERE s.scheme_id > ${after} AND ${scopeFilter(call.scope, { path: 's.organisation_path' })} AND ${asked}
        AND v.version = (SELECT max(n.version) FROM scheme_version n WHERE n.scheme_id = s.scheme_id)
        AND (${request.kind} = 0 OR s.kind = ${request.kind})
      ORDER BY s.scheme_id LIMIT ${size + 1}) l
    ORDER BY l.scheme_id`);
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    schemes: page.map((row) => schemeMessage(row, row.published_version)),
    nextPageToken: rows.length > size && last ? encodePage(call, request, [last.scheme_id]) : '',
  };
}
