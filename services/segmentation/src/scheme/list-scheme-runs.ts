import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListSchemeRunsRequest, ListSchemeRunsResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { runColumns, runMessage, type RunRow } from './run.js';
import { findSchemeVersions, parseSchemeName } from './scheme.js';

const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Gives the runs of a scheme, the newest first. Throws SCHEME_NOT_FOUND. */
export async function listSchemeRuns(
  { db }: Deps,
  request: ListSchemeRunsRequest,
  call: Call,
): Promise<ListSchemeRunsResponse> {
  const size = pageSize(request);
  const [before] = decodePage(call, request, 'uuid') ?? [LAST];
  const { schemeId } = parseSchemeName(request.parent);
  const on = db.scoped(call.scope);
  await findSchemeVersions(on, call.scope, schemeId);
  // Ids grow with time.
  const rows = await on.rows<RunRow>(sql`
    SELECT ${runColumns} FROM scheme_run r WHERE r.scheme_id = ${schemeId} AND r.run_id < ${before}::uuid
    ORDER BY r.run_id DESC LIMIT ${size + 1}`);
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    schemeRuns: page.map(runMessage),
    nextPageToken: rows.length > size && last ? encodePage(call, request, [last.run_id]) : '',
  };
}
