import { audit } from '@rapport/kit/crypto';
import { everything, type Tx } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type PublishSegmentRequest, PublishSegmentResponse, SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import type { PrismaClient } from '../gen/prisma/client.js';
import { collectCandidates } from '../membership/membership.js';
import { lockVersion, publishVersion, stateAfter } from '../lifecycle/lifecycle.js';
import { findVersion, findVersions, versionMessage } from './segment.js';

/**
 * Puts an approved version into use and evaluates it; the version in use before is retired and its members leave.
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
  // The rule runs before the transaction: nothing remote happens inside one. A replay runs it in vain.
  const approved = asked.state === SegmentState.SEGMENT_STATE_APPROVED;
  const candidates = approved ? await collectCandidates(deps, asked, call.signal) : undefined;
  const publish = async (tx: Tx<PrismaClient>): Promise<PublishSegmentResponse> => {
    const row = await lockVersion(tx, asked);
    const next = stateAfter(row.state, 'publish');
    if (row.state === SegmentState.SEGMENT_STATE_RETIRED) throw fail('SEGMENT_RETIRED');
    // Without candidates it was not approved when it was asked for.
    if (next === undefined || (next !== 'unchanged' && !candidates)) throw fail('SEGMENT_NOT_APPROVED');
    const versions = await findVersions(tx, everything, asked.segment_id);
    const before = versions.find(({ state }) => state === SegmentState.SEGMENT_STATE_PUBLISHED);
    if (next !== 'unchanged' && candidates) {
      await publishVersion(tx, deps, { row, before, candidates, by: call.principal.subject });
    }
    const version = versionMessage(await findVersion(tx, everything, request.name));
    await audit(tx, call, {
      resource: request.name,
      change: { state: 'published', members: Number(version.members), retired: before?.version },
    });
    return { version };
  };
  return idempotent(db, call, request, PublishSegmentResponse, publish, { scope: everything });
}
