import { everything, sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import { type RecomputeScoreRequest, type RecomputeScoreResponse, Score } from '@rapport/proto/performance/v1';
import { aboutStaff } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findPlan, planName } from '../plan/plan.js';
import { computeScore, fingerprint } from './figures.js';
import { findRun, scoreColumns, scoreMessage, type ScoreRow } from './score.js';

/** Computes a stored score anew from what was known at its moment, and compares. Stores nothing but who looked. */
export async function recomputeScore(
  deps: Deps,
  request: RecomputeScoreRequest,
  call: Call,
): Promise<RecomputeScoreResponse> {
  const on = deps.db.system;
  const run = await findRun(on, { plan: '', run: request.run }, everything);
  const scope = scopeFor(call, 'C2');
  // The stored score decides whether the caller may see it; what it is computed from need not lie inside the scope.
  const stored =
    run &&
    (await deps.db.scoped(scope).maybe<ScoreRow>(sql`
      SELECT ${scoreColumns} FROM score
      WHERE score.run_id = ${run.runId} AND score.staff = ${request.staff} AND ${aboutStaff(scope, 'score')}`));
  const plan = run && (await findPlan(on, planName(run.planId, run.version), everything));
  if (!stored || !plan) throw fail('SCORE_NOT_FOUND', { metadata: { staff: request.staff } });
  const inputs = { plan, asOf: run.asOf };
  const recomputed = await computeScore(on, inputs, request.staff);
  const digest = await fingerprint(on, inputs);
  await deps.reads.record(call, `${request.staff}/score`);
  const before = scoreMessage(stored, run, plan);
  const after = recomputed && scoreMessage(recomputed, run, plan);
  return {
    stored: before,
    recomputed: after,
    matches: after !== undefined && sameScore(before, after),
    fingerprint: digest.fingerprint,
    fingerprintMatches: digest.fingerprint === run.fingerprint,
  };
}

function sameScore(one: Score, other: Score): boolean {
  return Buffer.from(Score.encode(one).finish()).equals(Score.encode(other).finish());
}
