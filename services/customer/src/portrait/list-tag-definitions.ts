import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListTagDefinitionsRequest, ListTagDefinitionsResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { definitionColumns, definitionMessage, type DefinitionRecord } from './definition.js';

/** Lists the tags that are used where the caller stands: above, there and below. No personal data. */
export async function listTagDefinitions(
  deps: Deps,
  request: ListTagDefinitionsRequest,
  call: Call,
): Promise<ListTagDefinitionsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'string')?.[0] ?? '';
  const here = call.principal.orgPath;
  const rows = await deps.db.system.rows<DefinitionRecord>(sql`
    SELECT ${definitionColumns} FROM tag_definition d
    WHERE d.tag_id > ${after} AND (NOT d.retired OR ${request.showRetired}) AND (${here} = '/'
      OR d.organisation_path IN ('/', ${here}) OR starts_with(d.organisation_path, ${`${here}/`})
      OR starts_with(${here}, d.organisation_path || '/'))
    ORDER BY d.tag_id LIMIT ${size + 1}`);
  const last = rows.at(size - 1);
  return {
    tagDefinitions: rows.slice(0, size).map(definitionMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.tagId]) : '',
  };
}
