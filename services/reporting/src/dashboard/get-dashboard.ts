import { sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type { GetDashboardRequest, GetDashboardResponse } from '@rapport/proto/reporting/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { dashboardColumns, dashboardFilter, dashboardMessage, type DashboardRecord } from './dashboard.js';

/** Gets one dashboard: its definition, without figures. */
export async function getDashboard(
  deps: Deps,
  request: GetDashboardRequest,
  call: Call,
): Promise<GetDashboardResponse> {
  const row = await deps.db.scoped(call.scope).maybe<DashboardRecord>(sql`
    SELECT ${dashboardColumns} FROM dashboard
    WHERE dashboard_id = ${request.name.slice('dashboards/'.length)} AND ${dashboardFilter(call.scope)}`);
  if (!row) throw fail('DASHBOARD_NOT_FOUND', { metadata: { dashboard: request.name } });
  return { dashboard: dashboardMessage(row) };
}
