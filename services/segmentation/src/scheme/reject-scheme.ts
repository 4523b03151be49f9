import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type RejectSchemeRequest, RejectSchemeResponse, SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { assertState, findSchemeVersion, schemeVersionMessage } from './scheme.js';

const { SEGMENT_STATE_DRAFT: draft, SEGMENT_STATE_APPROVED: approved } = SegmentState;

/** Makes a draft or an approved version a draft that shows why it was sent back. Throws SCHEME_NOT_FOUND, SCHEME_STATE. */
export async function rejectScheme(
  { db }: Deps,
  request: RejectSchemeRequest,
  call: Call,
): Promise<RejectSchemeResponse> {
  const asked = await findSchemeVersion(db.scoped(call.scope), call.scope, request.name);
  return idempotent(db, call, request, RejectSchemeResponse, async (tx) => {
    await tx.run(sql`SELECT FROM scheme WHERE scheme_id = ${asked.scheme_id} FOR UPDATE`);
    assertState(await findSchemeVersion(tx, everything, request.name), draft, approved);
    await tx.run(sql`
      UPDATE scheme_version SET state = ${draft}, approved_by = '', approve_time = NULL, reject_reason = ${request.reason}
      WHERE scheme_id = ${asked.scheme_id} AND version = ${asked.version}`);
    await audit(tx, call, { resource: request.name, change: { state: 'draft' } });
    return { version: schemeVersionMessage(await findSchemeVersion(tx, everything, request.name)) };
  });
}
