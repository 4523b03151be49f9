import { audit } from '@rapport/kit/crypto';
import { everything } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type ReserveSegmentVersionRequest,
  ReserveSegmentVersionResponse,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import { reserve } from '../campaign/campaign.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { lockVersion } from '../lifecycle/lifecycle.js';
import { findVersion, versionMessage } from './segment.js';

/** Longer than an event of the start of a campaign ever takes to come here, short enough for a start that failed. */
const RESERVED_MS = 600_000;

/**
 * Keeps a version in use for a campaign that is about to start. Whoever retires it at the same time waits for this, or
 * was first: then it is in use no more. Throws SEGMENT_NOT_FOUND, SEGMENT_NOT_PUBLISHED.
 */
export async function reserveSegmentVersion(
  { db, clock }: Deps,
  request: ReserveSegmentVersionRequest,
  call: Call,
): Promise<ReserveSegmentVersionResponse> {
  return idempotent(db, call, request, ReserveSegmentVersionResponse, async (tx) => {
    const row = await lockVersion(tx, await findVersion(tx, call.scope, request.name));
    if (row.state !== SegmentState.SEGMENT_STATE_PUBLISHED) {
      throw fail('SEGMENT_NOT_PUBLISHED', { metadata: { segment: request.name } });
    }
    const expireTime = new Date(clock.now().getTime() + RESERVED_MS);
    await reserve(tx, request.campaign, row, expireTime);
    await audit(tx, call, { resource: request.name, change: { campaign: request.campaign } });
    return { version: versionMessage(await findVersion(tx, everything, request.name)), expireTime };
  });
}
