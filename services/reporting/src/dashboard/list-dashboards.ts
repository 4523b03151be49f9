import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListDashboardsRequest, ListDashboardsResponse } from '@rapport/proto/reporting/v1';
import type { Deps } from '../deps.js';
import { dashboardColumns, dashboardFilter, dashboardMessage, type DashboardRecord } from './dashboard.js';

/** Lists dashboards by id: their definitions, without figures. */
export async function listDashboards(
  deps: Deps,
  request: ListDashboardsRequest,
  call: Call,
): Promise<ListDashboardsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'string')?.[0] ?? '';
  const rows = await deps.db.scoped(call.scope).rows<DashboardRecord>(sql`
    SELECT ${dashboardColumns} FROM dashboard
    WHERE dashboard_id COLLATE "C" > ${after} AND ${dashboardFilter(call.scope)}
    ORDER BY dashboard_id COLLATE "C" LIMIT ${size + 1}`);
  const last = rows.at(size - 1);
  return {
    dashboards: rows.slice(0, size).map(dashboardMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.dashboardId]) : '',
  };
}
