import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type AssignSchemeRequest,
  AssignSchemeResponse,
  SchemeRunKind,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { today } from '../segment/segment.js';
import { isComputed } from './plan.js';
import { askRun, runMessage } from './run.js';
import { assertState, findSchemeVersion, planOf } from './scheme.js';

/** Starts the run that assigns every party for today. Throws SCHEME_NOT_FOUND, SCHEME_STATE, SCHEME_NOT_COMPUTED. */
export async function assignScheme(
  deps: Deps,
  request: AssignSchemeRequest,
  call: Call,
): Promise<AssignSchemeResponse> {
  const asked = await findSchemeVersion(deps.db.scoped(call.scope), call.scope, request.name);
  return idempotent(deps.db, call, request, AssignSchemeResponse, async (tx) => {
    await tx.run(sql`SELECT FROM scheme WHERE scheme_id = ${asked.scheme_id} FOR UPDATE`);
    const row = await findSchemeVersion(tx, everything, request.name);
    assertState(row, SegmentState.SEGMENT_STATE_PUBLISHED);
    if (!isComputed(planOf(row))) throw fail('SCHEME_NOT_COMPUTED', { metadata: { version: request.name } });
    const by = call.principal.subject;
    const kind = SchemeRunKind.SCHEME_RUN_KIND_ASSIGN;
    const run = await askRun(tx, row, { kind, day: today(deps), by, at: deps.clock.now() });
    await audit(tx, call, { resource: [request.name, `schemeRuns/${run.run_id}`] });
    return { schemeRun: runMessage(run) };
  });
}
