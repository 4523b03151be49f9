import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListStaticListsRequest, ListStaticListsResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { listColumns, listMessage, type ListRow } from './list.js';

/** Gives lists by id. */
export async function listStaticLists(
  { db }: Deps,
  request: ListStaticListsRequest,
  call: Call,
): Promise<ListStaticListsResponse> {
  const size = pageSize(request);
  const [after] = decodePage(call, request, 'string') ?? [''];
  const under = request.organisationPath;
  const query = request.query.trim().toLowerCase();
  const asked = scopeFilter(under === '' ? { kind: 'everything' } : { kind: 'rows', subtree: under }, {
    path: 'organisation_path',
  });
  const rows = await db.scoped(call.scope).rows<ListRow>(sql`
    SELECT ${listColumns} FROM static_list
    WHERE list_id > ${after} AND ${scopeFilter(call.scope, { path: 'organisation_path' })} AND ${asked}
      AND (${request.retired} OR retire_time IS NULL) AND (${query} = '' OR strpos(lower(list_id || ' ' || title), ${query}) > 0)
    ORDER BY list_id LIMIT ${size + 1}`);
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    staticLists: page.map(listMessage),
    nextPageToken: rows.length > size && last ? encodePage(call, request, [last.list_id]) : '',
  };
}
