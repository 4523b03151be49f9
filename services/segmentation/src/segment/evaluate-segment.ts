import { audit } from '@rapport/kit/crypto';
import { everything, type Tx } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type EvaluateSegmentRequest, EvaluateSegmentResponse, SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import type { PrismaClient } from '../gen/prisma/client.js';
import { evaluateVersion } from '../membership/membership.js';
import { dateMessage, findVersion } from './segment.js';

/** Evaluates a published version over all parties. Throws SEGMENT_NOT_FOUND, SEGMENT_NOT_PUBLISHED. */
export async function evaluateSegment(
  deps: Deps,
  request: EvaluateSegmentRequest,
  call: Call,
): Promise<EvaluateSegmentResponse> {
  const asked = await findVersion(deps.db.scoped(call.scope), call.scope, request.name);
  const published = asked.state === SegmentState.SEGMENT_STATE_PUBLISHED;
  // Before the transaction: it writes in many of its own. A replay runs it in vain, and finds nothing to change.
  const outcome = published ? await evaluateVersion(deps, asked, call.signal) : undefined;
  const evaluate = async (tx: Tx<PrismaClient>) => {
    const row = await findVersion(tx, everything, request.name);
    if (row.state !== SegmentState.SEGMENT_STATE_PUBLISHED || !outcome) throw fail('SEGMENT_NOT_PUBLISHED');
    const { members } = row;
    const { entered, exited } = outcome;
    await audit(tx, call, { resource: request.name, change: { members: Number(members), entered, exited } });
    return {
      members,
      entered: BigInt(entered),
      exited: BigInt(exited),
      asOf: dateMessage(outcome.asOf),
      sqlMs: outcome.sqlMs,
    };
  };
  return idempotent(deps.db, call, request, EvaluateSegmentResponse, evaluate, { scope: everything });
}
