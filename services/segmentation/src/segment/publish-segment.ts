import { audit } from '@rapport/kit/crypto';
import { everything, sql, type Tx } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  MembershipReason,
  type PublishSegmentRequest,
  PublishSegmentResponse,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import type { PrismaClient } from '../gen/prisma/client.js';
import { applyCandidates, collectCandidates, dismissMembers } from '../membership/membership.js';
import { dayOf, findVersion, findVersions, today, versionMessage } from './segment.js';

/**
 * Puts a version into use and evaluates it; the version in use before is retired and its members leave. Publishing what
 * is published changes nothing. Throws SEGMENT_NOT_FOUND, SEGMENT_RETIRED.
 */
export async function publishSegment(
  deps: Deps,
  request: PublishSegmentRequest,
  call: Call,
): Promise<PublishSegmentResponse> {
  const { db, clock } = deps;
  const asked = await findVersion(db.scoped(call.scope), call.scope, request.name);
  // The rule runs before the transaction: nothing remote happens inside one. A replay runs it in vain.
  const { SEGMENT_STATE_PUBLISHED: published, SEGMENT_STATE_RETIRED: retired } = SegmentState;
  const done = asked.state === published || asked.state === retired;
  const candidates = done ? undefined : await collectCandidates(deps, asked, call.signal);
  const publish = async (tx: Tx<PrismaClient>): Promise<PublishSegmentResponse> => {
    await tx.run(sql`SELECT FROM segment WHERE segment_id = ${asked.segment_id} FOR UPDATE`);
    const versions = await findVersions(tx, everything, asked.segment_id);
    const row = versions.find(({ version }) => version === asked.version);
    if (row?.state === retired) throw fail('SEGMENT_RETIRED');
    const before = versions.find(({ state }) => state === published);
    if (row?.state !== published && row && candidates) {
      const at = clock.now();
      if (before) {
        await tx.run(sql`UPDATE segment_version SET state = ${retired}
          WHERE segment_id = ${before.segment_id} AND version = ${before.version}`);
        await dismissMembers(tx, before, dayOf(before.as_of) ?? today(deps), at);
      }
      await tx.run(sql`
        WITH used AS (
          UPDATE segment_version SET state = ${published}, publish_time = ${at}
          WHERE segment_id = ${row.segment_id} AND version = ${row.version} RETURNING segment_id)
        UPDATE segment SET update_time = ${at} FROM used WHERE segment.segment_id = used.segment_id`);
      await applyCandidates(tx, row, candidates, MembershipReason.MEMBERSHIP_REASON_PUBLISHED, at);
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
