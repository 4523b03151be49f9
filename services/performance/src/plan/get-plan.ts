import type { Call } from '@rapport/kit/rpc';
import type { GetPlanRequest, GetPlanResponse } from '@rapport/proto/performance/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findPlan, planMessage } from './plan.js';

/** Gives one plan version, without a version the newest. */
export async function getPlan(deps: Deps, request: GetPlanRequest, call: Call): Promise<GetPlanResponse> {
  const row = await findPlan(deps.db.scoped(call.scope), request.name, call.scope);
  if (!row) throw fail('PLAN_NOT_FOUND', { metadata: { plan: request.name } });
  return { plan: planMessage(row) };
}
