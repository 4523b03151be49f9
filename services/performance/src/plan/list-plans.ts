import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListPlansRequest, ListPlansResponse } from '@rapport/proto/performance/v1';
import { below, concerning } from '../access/access.js';
import type { Deps } from '../deps.js';
import { planColumns, planMessage, type PlanRow } from './plan.js';

/** Lists plan versions by id, the newest version first. */
export async function listPlans(deps: Deps, request: ListPlansRequest, call: Call): Promise<ListPlansResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'string', 'number');
  const wanted = [concerning(call.scope, 'plan')];
  if (request.organisationPath !== '') wanted.push(below(sql.raw('plan.organisation_path'), request.organisationPath));
  if (request.state !== 0) wanted.push(sql`plan.state = ${request.state}`);
  if (after) {
    const [planId, version] = after;
    wanted.push(sql`(plan.plan_id > ${planId} OR (plan.plan_id = ${planId} AND plan.version < ${version}::float8))`);
  }
  const rows = await deps.db.scoped(call.scope).rows<PlanRow>(sql`
    SELECT ${planColumns} FROM plan WHERE ${sql.join(wanted, ' AND ')}
    ORDER BY plan.plan_id, plan.version DESC LIMIT ${size + 1}`);
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  return {
    plans: shown.map(planMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.planId, last.version]) : '',
  };
}
