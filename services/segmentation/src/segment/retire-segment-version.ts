import { audit } from '@rapport/kit/crypto';
import { everything, sql, type Tx } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type RetireSegmentVersionRequest,
  RetireSegmentVersionResponse,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { lockVersion, retireVersion, settleInTime, stateAfter } from '../lifecycle/lifecycle.js';
import { dependentsOf, findVersion, type VersionRow, versionMessage, versionName } from './segment.js';

/** Refuses while rules of other segments in use ask for the members of this one. Throws SEGMENT_IN_USE. */
async function assertNotAsked(tx: Tx, { segment_id: segmentId, version }: VersionRow): Promise<void> {
  const asking = await dependentsOf(tx, segmentId);
  if (asking.length === 0) return;
  const segments = asking.map((id) => `segments/${id}`).join(', ');
  throw fail('SEGMENT_IN_USE', {
    metadata: { segment: versionName(segmentId, version), segments },
    violations: [{ field: 'name', description: `the rules of these segments ask for it: ${segments}` }],
  });
}

/** Takes a version out of use for good; its members leave. Throws SEGMENT_NOT_FOUND, SEGMENT_IN_USE. */
export async function retireSegmentVersion(
  deps: Deps,
  request: RetireSegmentVersionRequest,
  call: Call,
): Promise<RetireSegmentVersionResponse> {
  const { db, clock } = deps;
  const asked = await findVersion(db.scoped(call.scope), call.scope, request.name);
  // Members whom the caller does not see leave as well.
  const options = { scope: everything };
  await idempotent(
    db,
    call,
    request,
    RetireSegmentVersionResponse,
    async (tx) => {
      const row = await lockVersion(tx, asked);
      if (stateAfter(row.state, 'retire') !== 'unchanged') {
        if (row.state === SegmentState.SEGMENT_STATE_PUBLISHED) await assertNotAsked(tx, row);
        const at = clock.now();
        await retireVersion(tx, row, call.principal.subject, at);
        await tx.run(sql`UPDATE segment SET update_time = ${at} WHERE segment_id = ${row.segment_id}`);
      }
      await audit(tx, call, {
        resource: request.name,
        change: { state: SegmentState[SegmentState.SEGMENT_STATE_RETIRED], members: Number(row.members) },
      });
      return { version: versionMessage(await findVersion(tx, everything, request.name)) };
    },
    options,
  );
  await settleInTime(deps, asked.segment_id, call);
  return { version: versionMessage(await findVersion(db.system, everything, request.name)) };
}
