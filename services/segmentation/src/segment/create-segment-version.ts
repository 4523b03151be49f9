import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type CreateSegmentVersionRequest, CreateSegmentVersionResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import {
  dateText,
  findVersion,
  findVersions,
  parseName,
  requestedDay,
  versionMessage,
  versionName,
  soundRuleInUse,
} from './segment.js';

/**
 * Adds the next version of a segment as a draft. Throws SEGMENT_NOT_FOUND, RULE_INVALID, SEGMENT_OF_SCHEME, and
 * SEGMENT_CHANGED when the caller has not seen the newest version.
 */
export async function createSegmentVersion(
  { db }: Deps,
  request: CreateSegmentVersionRequest,
  call: Call,
): Promise<CreateSegmentVersionResponse> {
  const { segmentId } = parseName(request.parent);
  const { rule } = request;
  await soundRuleInUse(db.system, rule, segmentId);
  const asOf = requestedDay(request.asOf);
  return idempotent(db, call, request, CreateSegmentVersionResponse, async (tx) => {
    // Whoever adds a version at the same time waits here.
    const locked = await tx.maybe<{ scheme_id: string | null }>(sql`
      SELECT scheme_id FROM segment WHERE segment_id = ${segmentId} FOR UPDATE`);
    const [latest] = await findVersions(tx, call.scope, segmentId);
    if (locked?.scheme_id) throw fail('SEGMENT_OF_SCHEME', { metadata: { scheme: `schemes/${locked.scheme_id}` } });
    if (request.baseVersion !== undefined && latest && latest.version !== request.baseVersion) {
      const metadata = { newest: versionName(segmentId, latest.version), author: latest.created_by };
      throw fail('SEGMENT_CHANGED', { metadata });
    }
    const version = (latest?.version ?? 0) + 1;
    await tx.run(sql`
      WITH made AS (
        INSERT INTO segment_version (segment_id, version, rule, as_of, created_by)
        VALUES (${segmentId}, ${version}, ${rule}, ${asOf === undefined ? null : dateText(asOf)}::date,
          ${call.principal.subject})
        RETURNING segment_id)
      UPDATE segment SET update_time = now() FROM made WHERE segment.segment_id = made.segment_id`);
    await audit(tx, call, { resource: versionName(segmentId, version), change: { version } });
    return { version: versionMessage(await findVersion(tx, everything, versionName(segmentId, version))) };
  });
}
