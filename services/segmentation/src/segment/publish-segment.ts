import { audit } from '@rapport/kit/crypto';
import { everything, type Tx } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type PublishSegmentRequest, PublishSegmentResponse, SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import type { PrismaClient } from '../gen/prisma/client.js';
import { lockVersion, publishVersion, settleInTime, stateAfter } from '../lifecycle/lifecycle.js';
import { findVersion, findVersions, soundRuleInUse, versionMessage } from './segment.js';

/**
 * Puts an approved version into use, which is then evaluated; the version in use before is retired and its members leave.
 * Answers when the members have come and gone, or when the call has no more time: the service goes on with it by itself,
 * and the version has its `evaluate_time` when it is done.
 * Publishing what is published changes nothing. Throws SEGMENT_NOT_FOUND, SEGMENT_NOT_APPROVED, SEGMENT_RETIRED,
 * SEGMENT_IN_USE.
 */
export async function publishSegment(
  deps: Deps,
  request: PublishSegmentRequest,
  call: Call,
): Promise<PublishSegmentResponse> {
  const { db } = deps;
  const asked = await findVersion(db.scoped(call.scope), call.scope, request.name);
  if (asked.state === SegmentState.SEGMENT_STATE_APPROVED)
    await soundRuleInUse(db.system, asked.rule, asked.segment_id);
  const publish = async (tx: Tx<PrismaClient>): Promise<PublishSegmentResponse> => {
    const row = await lockVersion(tx, asked);
    const next = stateAfter(row.state, 'publish');
    if (row.state === SegmentState.SEGMENT_STATE_RETIRED) throw fail('SEGMENT_RETIRED');
    if (next === undefined) throw fail('SEGMENT_NOT_APPROVED');
    const versions = await findVersions(tx, everything, asked.segment_id);
    const before = versions.find(({ state }) => state === SegmentState.SEGMENT_STATE_PUBLISHED);
    if (next !== 'unchanged') await publishVersion(tx, deps, { row, before, by: call.principal.subject });
    const version = versionMessage(await findVersion(tx, everything, request.name));
    await audit(tx, call, {
      resource: request.name,
      change: { state: 'published', retired: before?.version },
    });
    return { version };
  };
  await idempotent(db, call, request, PublishSegmentResponse, publish, { scope: everything });
  await settleInTime(deps, asked.segment_id, call);
  return { version: versionMessage(await findVersion(db.system, everything, request.name)) };
}
