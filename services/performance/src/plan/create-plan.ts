import { audit } from '@rapport/kit/crypto';
import { type Queryable, sql } from '@rapport/kit/db';
import { type Call, callerName, idempotent } from '@rapport/kit/rpc';
import { type CreatePlanRequest, CreatePlanResponse, type KpiPlan, PlanState } from '@rapport/proto/performance/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { keepTree } from '../knowledge/knowledge.js';
import { findUnit, unitIdIn } from '../unit/unit.js';
import { isoDay, planMessage, planName, type PlanRow, storedKpi } from './plan.js';

const WHOLE = 10_000;

/** Writes a plan for a unit that the caller may see, or the next version of one, as a draft. */
export async function createPlan(deps: Deps, request: CreatePlanRequest, call: Call): Promise<CreatePlanResponse> {
  const plan = request.plan as KpiPlan;
  const { planId } = request;
  const period = periodOf(plan);
  assertWhole(plan);
  return idempotent(deps.db, call, request, CreatePlanResponse, async (tx) => {
    await keepTree(tx);
    const unit = await findUnit(tx, unitIdIn(plan.unit), call.scope);
    if (!unit) throw fail('UNIT_UNKNOWN', { violations: [{ field: 'plan.unit', description: 'is not there' }] });
    const row: PlanRow = {
      planId,
      version: await nextVersion(tx, planId),
      title: plan.title,
      ...period,
      unitId: unit.unitId,
      organisationPath: unit.organisationPath,
      kpis: plan.kpis.map(storedKpi),
      state: PlanState.PLAN_STATE_DRAFT,
      author: callerName(call),
      approver: '',
      createTime: new Date(),
      approveTime: null,
    };
    const { startDate, endDate, kpis, ...rest } = row;
    const data = { ...rest, startDate: new Date(startDate), endDate: new Date(endDate), kpis: kpis as object[] };
    await tx.prisma.plan.create({ data }).catch(taken);
    const name = planName(planId, row.version);
    await audit(tx, call, { resource: name, change: { created: true, unit: plan.unit, kpis: kpis.length } });
    return { plan: planMessage(row) };
  });
}

/** One author at a time. Versions outside of the caller's view are not seen here; the insert then meets one of them. */
async function nextVersion(tx: Queryable, planId: string): Promise<number> {
  await tx.rows(sql`SELECT pg_advisory_xact_lock(hashtextextended(${`plan ${planId}`}, 0))`);
  const { next } = await tx.one<{ next: number }>(sql`
    SELECT coalesce(max(version), 0) + 1 AS next FROM plan WHERE plan_id = ${planId}`);
  return next;
}

function periodOf(plan: KpiPlan): { startDate: string; endDate: string } {
  const startDate = plan.startDate && isoDay(plan.startDate);
  const endDate = plan.endDate && isoDay(plan.endDate);
  const description = 'is no day of the calendar';
  if (!startDate) throw fail('FIELD_INVALID', { violations: [{ field: 'plan.start_date', description }] });
  if (!endDate) throw fail('FIELD_INVALID', { violations: [{ field: 'plan.end_date', description }] });
  if (startDate > endDate) {
    const violations = [{ field: 'plan.end_date', description: 'must not be before start_date' }];
    throw fail('PERIOD_REVERSED', { violations });
  }
  return { startDate, endDate };
}

function assertWhole({ kpis }: KpiPlan): void {
  const sum = kpis.reduce((total, kpi) => total + kpi.weightBasisPoints, 0);
  if (sum === WHOLE) return;
  const description = `the weights must sum to ${WHOLE}, they sum to ${sum}`;
  throw fail('WEIGHTS_NOT_WHOLE', { violations: [{ field: 'plan.kpis', description }] });
}

/** Prisma's code for a unique constraint; the only one is the primary key. */
function taken(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'P2002') throw fail('PLAN_ID_TAKEN');
  throw error;
}
