import { covers } from '@rapport/kit/db';
import { audit } from '@rapport/kit/crypto';
import { type Call, callerName, idempotent } from '@rapport/kit/rpc';
import {
  type CreateDashboardRequest,
  CreateDashboardResponse,
  type Dashboard,
  Tile,
} from '@rapport/proto/reporting/v1';
import { placeOf } from '../caller/caller.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { resolve } from '../metric/metric.js';
import { dashboardMessage, dashboardName, type DashboardRecord } from './dashboard.js';

/** Creates a dashboard for everybody at, above or below its organisation path. */
export async function createDashboard(
  deps: Deps,
  request: CreateDashboardRequest,
  call: Call,
): Promise<CreateDashboardResponse> {
  const wanted = request.dashboard as Dashboard;
  assertInside(call, wanted.organisationPath);
  wanted.tiles.forEach((tile, index) => resolve(tile, `dashboard.tiles[${index}].`));
  return idempotent(deps.db, call, request, CreateDashboardResponse, async (tx) => {
    const row: DashboardRecord = {
      dashboardId: request.dashboardId,
      titleEn: wanted.titleEn,
      titleZh: wanted.titleZh,
      organisationPath: wanted.organisationPath,
      tiles: wanted.tiles.map((tile) => Tile.toJSON(tile)),
      author: callerName(call),
      createTime: deps.clock.now(),
    };
    const { count } = await tx.prisma.dashboard.createMany({
      data: { ...row, tiles: row.tiles as object[] },
      skipDuplicates: true,
    });
    const resource = dashboardName(row.dashboardId);
    if (count === 0) throw fail('DASHBOARD_EXISTS', { metadata: { dashboard: resource } });
    await audit(tx, call, { resource, change: { created: true, tiles: wanted.tiles.length } });
    return { dashboard: dashboardMessage(row) };
  });
}

/** Nobody puts a dashboard where they do not stand at or above. */
function assertInside(call: Call, organisationPath: string): void {
  const place = placeOf(call.scope);
  if (place === undefined || (place !== '' && covers(place, organisationPath))) return;
  throw fail('ORGANISATION_PATH_OUTSIDE', {
    violations: [{ field: 'dashboard.organisation_path', description: 'lies outside of yours' }],
  });
}
