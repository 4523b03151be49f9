import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type ApproveSchemeRequest, ApproveSchemeResponse, SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { needsModel } from './plan.js';
import { assertState, findSchemeVersion, modelOf, planOf, schemeVersionMessage } from './scheme.js';

const { SEGMENT_STATE_DRAFT: draft, SEGMENT_STATE_APPROVED: approved } = SegmentState;

/**
 * Approves a draft; by another person than its author, and what has a model only with it. Approving what is approved
 * changes nothing. Throws SCHEME_NOT_FOUND, SCHEME_STATE, SCHEME_NOT_FITTED, SCHEME_APPROVER_IS_AUTHOR.
 */
export async function approveScheme(
  { db, clock }: Deps,
  request: ApproveSchemeRequest,
  call: Call,
): Promise<ApproveSchemeResponse> {
  const asked = await findSchemeVersion(db.scoped(call.scope), call.scope, request.name);
  return idempotent(db, call, request, ApproveSchemeResponse, async (tx) => {
    await tx.run(sql`SELECT FROM scheme WHERE scheme_id = ${asked.scheme_id} FOR UPDATE`);
    const row = await findSchemeVersion(tx, everything, request.name);
    assertState(row, draft, approved);
    if (row.created_by === call.principal.subject) throw fail('SCHEME_APPROVER_IS_AUTHOR');
    if (needsModel(planOf(row)) && !modelOf(row))
      throw fail('SCHEME_NOT_FITTED', { metadata: { version: request.name } });
    if (row.state === draft) {
      await tx.run(sql`
        UPDATE scheme_version SET state = ${approved}, approved_by = ${call.principal.subject},
          approve_time = ${clock.now()}, reject_reason = ''
        WHERE scheme_id = ${row.scheme_id} AND version = ${row.version}`);
    }
    await audit(tx, call, { resource: request.name, change: { state: 'approved' } });
    return { version: schemeVersionMessage(await findSchemeVersion(tx, everything, request.name)) };
  });
}
