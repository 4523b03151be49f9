import { everything, sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { GetScoreRequest, GetScoreResponse } from '@rapport/proto/performance/v1';
import { aboutStaff } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findPlan, planName } from '../plan/plan.js';
import { findRun, runMessage, scoreColumns, scoreMessage, type ScoreRow } from './score.js';

/** Gives what one person reached in a run, KPI by KPI. */
export async function getScore(deps: Deps, request: GetScoreRequest, call: Call): Promise<GetScoreResponse> {
  // Who may see the score may see what it was computed with, though plan and run belong to a unit above.
  const run = await findRun(deps.db.system, request, everything);
  const scope = scopeFor(call, 'C2');
  const score =
    run &&
    (await deps.db.scoped(scope).maybe<ScoreRow>(sql`
      SELECT ${scoreColumns} FROM score
      WHERE score.run_id = ${run.runId} AND score.staff = ${request.staff} AND ${aboutStaff(scope, 'score')}`));
  const plan = run && (await findPlan(deps.db.system, planName(run.planId, run.version), everything));
  if (!score || !plan) throw fail('SCORE_NOT_FOUND', { metadata: { staff: request.staff } });
  await deps.reads.record(call, `${request.staff}/score`);
  return { score: scoreMessage(score, run, plan), run: runMessage(run) };
}
