import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type PublishSchemeRequest,
  PublishSchemeResponse,
  SchemeRunKind,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { today } from '../segment/segment.js';
import { askRun, runMessage } from './run.js';
import { assertState, findSchemeVersion } from './scheme.js';

/**
 * Starts the run that puts an approved version into use with the segments of its groups. Throws SCHEME_NOT_FOUND,
 * SCHEME_STATE.
 */
export async function publishScheme(
  deps: Deps,
  request: PublishSchemeRequest,
  call: Call,
): Promise<PublishSchemeResponse> {
  const asked = await findSchemeVersion(deps.db.scoped(call.scope), call.scope, request.name);
  return idempotent(deps.db, call, request, PublishSchemeResponse, async (tx) => {
    await tx.run(sql`SELECT FROM scheme WHERE scheme_id = ${asked.scheme_id} FOR UPDATE`);
    const row = await findSchemeVersion(tx, everything, request.name);
    assertState(row, SegmentState.SEGMENT_STATE_APPROVED);
    const by = call.principal.subject;
    const kind = SchemeRunKind.SCHEME_RUN_KIND_PUBLISH;
    const run = await askRun(tx, row, { kind, day: today(deps), by, at: deps.clock.now() });
    await audit(tx, call, { resource: [request.name, `schemeRuns/${run.run_id}`] });
    return { schemeRun: runMessage(run) };
  });
}
