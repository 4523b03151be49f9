import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, pageSize } from '@rapport/kit/rpc';
import type { ListSuppressionsRequest, ListSuppressionsResponse } from '@rapport/proto/marketing/v1';
import { idBefore, pageOf, underPath, uuidOf } from '../access/access.js';
import type { Deps } from '../deps.js';
import { membersOf } from '../merge/merge.js';
import { type SuppressionRow, suppressionColumns, toSuppression } from './suppression.js';

export async function listSuppressions(
  { db, reads, clock }: Deps,
  request: ListSuppressionsRequest,
  call: Call,
): Promise<ListSuppressionsResponse> {
  const scope = call.scope;
  const { party: of } = request;
  const ofParty = of === '' ? sql.empty : sql`AND party_id = ANY(${membersOf(uuidOf(of) ?? null)})`;
  const rows = await db.scoped(scope).rows<SuppressionRow>(sql`
    SELECT ${suppressionColumns} FROM suppression
    WHERE suppression_id < ${idBefore(call, request)}::uuid AND ${scopeFilter(scope, { path: 'organisation_path' })}
      AND ${underPath(request.organisationPath)} AND (expire_time IS NULL OR expire_time > ${clock.now()}) ${ofParty}
    ORDER BY suppression_id DESC LIMIT ${pageSize(request) + 1}`);
  const { page, nextPageToken } = pageOf(call, request, rows, (row) => row.suppressionId);
  const suppressions = page.map(toSuppression);
  await reads.record(call, [...new Set(suppressions.map(({ party }) => party))]);
  return { suppressions, nextPageToken };
}
