import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type CreateSegmentRequest, CreateSegmentResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { dateText, findVersions, reaches, requestedDay, segmentMessage, soundRuleInUse } from './segment.js';

/** Creates a segment with version 1 as a draft. Throws RULE_INVALID, SEGMENT_EXISTS, ORGANISATION_PATH_OUTSIDE. */
export async function createSegment(
  { db }: Deps,
  request: CreateSegmentRequest,
  call: Call,
): Promise<CreateSegmentResponse> {
  const { segmentId, title, organisationPath, rule } = request;
  if (!reaches(call.scope, organisationPath)) throw fail('ORGANISATION_PATH_OUTSIDE');
  await soundRuleInUse(db.system, rule, segmentId);
  const asOf = requestedDay(request.asOf);
  return idempotent(db, call, request, CreateSegmentResponse, async (tx) => {
    // Ids are unique in the whole suite, so one that the caller cannot see is taken as well.
    const taken = await tx.maybe(sql`SELECT segment_id FROM segment WHERE segment_id = ${segmentId} FOR UPDATE`);
    if (taken) throw fail('SEGMENT_EXISTS', { metadata: { segment: `segments/${segmentId}` } });
    const createdBy = call.principal.subject;
    const version = { version: 1, rule, asOf: asOf === undefined ? null : new Date(dateText(asOf)), createdBy };
    await tx.prisma.segment
      .create({ data: { segmentId, title, organisationPath, createdBy, versions: { create: version } } })
      .catch(taker);
    await audit(tx, call, {
      resource: `segments/${segmentId}`,
      change: { organisation_path: organisationPath, version: 1 },
    });
    const [row] = await findVersions(tx, everything, segmentId);
    if (!row) throw new Error('the segment is not there after its insert');
    return { segment: segmentMessage(row, 0) };
  });
}

/** Somebody else was faster. */
function taker(error: unknown): never {
  if ((error as { code?: unknown }).code === 'P2002') throw fail('SEGMENT_EXISTS', { cause: error });
  throw error;
}
