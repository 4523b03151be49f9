import { audit } from '@rapport/kit/crypto';
import { everything, type Tx } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type EvaluateSegmentRequest,
  EvaluateSegmentResponse,
  MembershipReason,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import type { PrismaClient } from '../gen/prisma/client.js';
import { applyCandidates, collectCandidates } from '../membership/membership.js';
import { dateMessage, findVersion } from './segment.js';

/** Evaluates a published version over all parties. Throws SEGMENT_NOT_FOUND, SEGMENT_NOT_PUBLISHED. */
export async function evaluateSegment(
  deps: Deps,
  request: EvaluateSegmentRequest,
  call: Call,
): Promise<EvaluateSegmentResponse> {
  const asked = await findVersion(deps.db.scoped(call.scope), call.scope, request.name);
  const published = asked.state === SegmentState.SEGMENT_STATE_PUBLISHED;
  const candidates = published ? await collectCandidates(deps, asked, call.signal) : undefined;
  const evaluate = async (tx: Tx<PrismaClient>) => {
    const row = await findVersion(tx, everything, request.name);
    if (row.state !== SegmentState.SEGMENT_STATE_PUBLISHED || !candidates) throw fail('SEGMENT_NOT_PUBLISHED');
    const reason = MembershipReason.MEMBERSHIP_REASON_EVALUATED;
    const outcome = await applyCandidates(tx, row, candidates, reason, deps.clock.now());
    const { members, entered, exited } = outcome;
    await audit(tx, call, { resource: request.name, change: { members: Number(members), entered, exited } });
    return {
      members,
      entered: BigInt(entered),
      exited: BigInt(exited),
      asOf: dateMessage(candidates.asOf),
      sqlMs: candidates.sqlMs,
    };
  };
  return idempotent(deps.db, call, request, EvaluateSegmentResponse, evaluate, { scope: everything });
}
