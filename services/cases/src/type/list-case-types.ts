import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListCaseTypesRequest, ListCaseTypesResponse } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { type TypeRow, typeColumns, typeMessage } from './type.js';

/** Lists case types by id. */
export async function listCaseTypes(
  deps: Deps,
  request: ListCaseTypesRequest,
  call: Call,
): Promise<ListCaseTypesResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'string')?.[0] ?? '';
  const rows = await deps.db.system.rows<TypeRow>(sql`
    SELECT ${typeColumns} FROM case_type WHERE case_type_id > ${after} ORDER BY case_type_id LIMIT ${size + 1}`);
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  return {
    caseTypes: shown.map(typeMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.caseTypeId]) : '',
  };
}
