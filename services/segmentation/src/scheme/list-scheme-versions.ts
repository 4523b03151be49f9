import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListSchemeVersionsRequest, ListSchemeVersionsResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { findSchemeVersions, parseSchemeName, type SchemeRow, schemeRows, schemeVersionMessage } from './scheme.js';

const LAST = 2_147_483_647;

/** Gives the versions of a scheme, the newest first. Throws SCHEME_NOT_FOUND. */
export async function listSchemeVersions(
  { db }: Deps,
  request: ListSchemeVersionsRequest,
  call: Call,
): Promise<ListSchemeVersionsResponse> {
  const size = pageSize(request);
  const [before] = decodePage(call, request, 'number') ?? [LAST];
  const { schemeId } = parseSchemeName(request.parent);
  const on = db.scoped(call.scope);
  await findSchemeVersions(on, call.scope, schemeId);
  const rows = await on.rows<SchemeRow>(sql`${schemeRows}
    WHERE s.scheme_id = ${schemeId} AND v.version < ${before} ORDER BY v.version DESC LIMIT ${size + 1}`);
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    versions: page.map(schemeVersionMessage),
    nextPageToken: rows.length > size && last ? encodePage(call, request, [last.version]) : '',
  };
}
