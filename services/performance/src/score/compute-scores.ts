import { audit } from '@rapport/kit/crypto';
import { everything, scopeFilter, sql, type Tx } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, callerName, idempotent } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import { type ComputeScoresRequest, ComputeScoresResponse, ScoresComputed } from '@rapport/proto/performance/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { knowledgeTime } from '../knowledge/knowledge.js';
import { isApproved, planColumns, planIn, type PlanRow } from '../plan/plan.js';
import { fingerprint, storeScores } from './figures.js';
import { runColumns, runMessage, runName, type RunRow } from './score.js';

/** Scores a plan from what was known at a moment and stores the run, once for each moment. Publishes ScoresComputed. */
export async function computeScores(
  deps: Deps,
  request: ComputeScoresRequest,
  call: Call,
): Promise<ComputeScoresResponse> {
  const now = await knowledgeTime(deps.db.system);
  if (request.asOf && request.asOf > now) {
    throw fail('AS_OF_IN_FUTURE', { violations: [{ field: 'as_of', description: 'lies in the future' }] });
  }
  const asOf = request.asOf ?? now;
  // A fact belongs where its customer does, which may be outside of the caller's view, and counts all the same: only the
  // plan is looked for inside the caller's scope.
  return idempotent(
    deps.db.plain,
    call,
    request,
    ComputeScoresResponse,
    async (tx) => {
      const plan = await findOwnPlan(tx, request.plan, call);
      await tx.rows(sql`SELECT pg_advisory_xact_lock(hashtextextended(${`score ${request.plan}`}, 0))`);
      const existing = await tx.maybe<RunRow>(sql`
        SELECT ${runColumns} FROM run WHERE plan_id = ${plan.planId} AND version = ${plan.version} AND as_of = ${asOf}`);
      if (existing) {
        await audit(tx, call, { resource: runName(existing.runId), change: { existing: true } });
        return { run: runMessage(existing), existing: true };
      }
      const run = await compute(tx, plan, asOf, callerName(call));
      const name = runName(run.runId);
      await audit(tx, call, { resource: name, change: { created: true, plan: request.plan, staff: run.staffCount } });
      return { run: runMessage(run), existing: false };
    },
    { scope: everything },
  );
}

async function findOwnPlan(tx: Tx, name: string, call: Call): Promise<PlanRow> {
  const { planId, version = 0 } = planIn(name);
  const plan = await tx.maybe<PlanRow>(sql`
    SELECT ${planColumns} FROM plan
    WHERE plan_id = ${planId} AND version = ${version} AND ${scopeFilter(call.scope, { path: 'plan.organisation_path' })}`);
  if (!plan) throw fail('PLAN_NOT_FOUND', { metadata: { plan: name } });
  if (!isApproved(plan)) throw fail('PLAN_NOT_APPROVED');
  return plan;
}

async function compute(tx: Tx, plan: PlanRow, asOf: Date, author: string): Promise<RunRow> {
  const inputs = { plan, asOf };
  const runId = uuidv7();
  const { staffCount, averageTotal } = await storeScores(tx, inputs, runId);
  const digest = await fingerprint(tx, inputs);
  const run = await tx.one<RunRow>(sql`
    INSERT INTO run (run_id, plan_id, version, as_of, fingerprint, fact_count, staff_count, average_total, author,
      organisation_path)
    VALUES (${runId}, ${plan.planId}, ${plan.version}, ${asOf}, ${digest.fingerprint}, ${digest.factCount}, ${staffCount},
      ${averageTotal}, ${author}, ${plan.organisationPath})
    RETURNING ${runColumns}`);
  const message = {
    run: runName(runId),
    plan: runMessage(run).plan,
    asOf,
    staffCount,
    factCount: run.factCount,
    fingerprint: run.fingerprint,
    organisationPath: run.organisationPath,
    averageTotalMillionths: averageTotal,
    computeTime: run.createTime,
  };
  await publish(tx, ScoresComputed, message, { aggregate: runId, subject: runName(runId) });
  return run;
}
