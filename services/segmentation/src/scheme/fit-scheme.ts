import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type FitSchemeRequest, FitSchemeResponse, SchemeRunKind, SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { today } from '../segment/segment.js';
import { needsModel } from './plan.js';
import { askRun, runMessage } from './run.js';
import { assertState, findSchemeVersion, planOf } from './scheme.js';

/** Starts the run that fits the model of a draft. Throws SCHEME_NOT_FOUND, SCHEME_STATE, SCHEME_NOT_COMPUTED. */
export async function fitScheme(deps: Deps, request: FitSchemeRequest, call: Call): Promise<FitSchemeResponse> {
  const asked = await findSchemeVersion(deps.db.scoped(call.scope), call.scope, request.name);
  return idempotent(deps.db, call, request, FitSchemeResponse, async (tx) => {
    await tx.run(sql`SELECT FROM scheme WHERE scheme_id = ${asked.scheme_id} FOR UPDATE`);
    const row = await findSchemeVersion(tx, everything, request.name);
    assertState(row, SegmentState.SEGMENT_STATE_DRAFT);
    if (!needsModel(planOf(row))) throw fail('SCHEME_NOT_COMPUTED', { metadata: { version: request.name } });
    const by = call.principal.subject;
    const kind = SchemeRunKind.SCHEME_RUN_KIND_FIT;
    const run = await askRun(tx, row, { kind, day: today(deps), by, at: deps.clock.now() });
    await audit(tx, call, { resource: [request.name, `schemeRuns/${run.run_id}`] });
    return { schemeRun: runMessage(run) };
  });
}
