import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListSourcesRequest, ListSourcesResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { sourceColumns, sourceMessage, type SourceRow } from './source.js';

/** Lists the systems that parties come from. They are those of the whole installation and say nothing of customers. */
export async function listSources(deps: Deps, request: ListSourcesRequest, call: Call): Promise<ListSourcesResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'string')?.[0] ?? '';
  const rows = await deps.db.scoped(call.scope).rows<SourceRow>(sql`
    SELECT ${sourceColumns} FROM source WHERE source > ${after} ORDER BY source LIMIT ${size + 1}`);
  await deps.reads.record(call, 'sources');
  const last = rows.at(size - 1);
  return {
    sources: rows.slice(0, size).map(sourceMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.source]) : '',
  };
}
