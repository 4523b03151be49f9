import { audit } from '@rapport/kit/crypto';
import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, callerName, checkEtag, idempotent } from '@rapport/kit/rpc';
import { type ApprovePlanRequest, ApprovePlanResponse, PlanState } from '@rapport/proto/performance/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { isApproved, planColumns, planEtag, planIn, planMessage, type PlanRow } from './plan.js';

/** Makes a draft final, by somebody else than its author. */
export async function approvePlan(deps: Deps, request: ApprovePlanRequest, call: Call): Promise<ApprovePlanResponse> {
  const { planId, version = 0 } = planIn(request.name);
  const approver = callerName(call);
  return idempotent(deps.db, call, request, ApprovePlanResponse, async (tx) => {
    // A plan of a unit above the caller's place may be read, not approved.
    const plan = await tx.maybe<PlanRow>(sql`
      SELECT ${planColumns} FROM plan
      WHERE plan_id = ${planId} AND version = ${version} AND ${scopeFilter(call.scope, { path: 'plan.organisation_path' })}
      FOR UPDATE`);
    if (!plan) throw fail('PLAN_NOT_FOUND', { metadata: { plan: request.name } });
    checkEtag(request.etag, planEtag(plan));
    if (isApproved(plan)) throw fail('PLAN_APPROVED');
    if (plan.author === approver) throw fail('APPROVER_IS_AUTHOR');
    const change = { state: PlanState.PLAN_STATE_APPROVED, approver, approveTime: new Date() };
    await tx.prisma.plan.update({ where: { planId_version: { planId, version } }, data: change });
    await audit(tx, call, { resource: request.name, change: { approved: true, author: plan.author } });
    return { plan: planMessage({ ...plan, ...change }) };
  });
}
