import { scopeFilter, sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type { GetStaticListRequest, GetStaticListResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { dateText, today } from '../segment/segment.js';
import { findList, listMessage, standsOn } from './list.js';
import { usersOf } from './users.js';

/**
 * Gives a list, how many parties in the caller's reach stand on it today, and what in use asks for it. Throws LIST_NOT_FOUND.
 */
export async function getStaticList(
  deps: Deps,
  request: GetStaticListRequest,
  call: Call,
): Promise<GetStaticListResponse> {
  const on = deps.db.scoped(call.scope);
  const row = await findList(on, call.scope, request.name);
  const counted = await on.one<{ entries: bigint; pending: bigint }>(sql`
    SELECT count(*) FILTER (WHERE ${standsOn(dateText(today(deps)))}) AS entries,
      count(*) FILTER (WHERE NOT sent) AS pending
    FROM list_entry WHERE list_id = ${row.list_id}
      AND ${scopeFilter(call.scope, { path: 'organisation_path', manager: 'manager' })}`);
  const { segments, schemes, any: guarded } = await usersOf(on, call.scope, row.list_id);
  return { staticList: listMessage(row), ...counted, segments, schemes, guarded };
}
