import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type CreateSchemeRequest, CreateSchemeResponse, SchemePlan } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { reaches } from '../segment/segment.js';
import { kindOf } from './plan.js';
import { findSchemeVersions, schemeMessage } from './scheme.js';
import { soundPlan } from './sound.js';

/**
 * Creates a scheme with version 1 as a draft. Throws PLAN_INVALID, PARTITION_NOT_SOUND, SCHEME_EXISTS,
 * ORGANISATION_PATH_OUTSIDE.
 */
export async function createScheme(
  deps: Deps,
  request: CreateSchemeRequest,
  call: Call,
): Promise<CreateSchemeResponse> {
  const { schemeId, title, organisationPath } = request;
  if (!reaches(call.scope, organisationPath)) throw fail('ORGANISATION_PATH_OUTSIDE');
  const plan = await soundPlan(deps, { schemeId, organisationPath, plan: request.plan }, call);
  return idempotent(deps.db, call, request, CreateSchemeResponse, async (tx) => {
    const by = call.principal.subject;
    // Ids are unique in the whole suite, so one that the caller cannot see is taken as well.
    const made = await tx.run(sql`
      INSERT INTO scheme (scheme_id, title, organisation_path, kind, created_by)
      VALUES (${schemeId}, ${title}, ${organisationPath}, ${kindOf(plan)}, ${by}) ON CONFLICT DO NOTHING`);
    if (made === 0) throw fail('SCHEME_EXISTS', { metadata: { scheme: `schemes/${schemeId}` } });
    await tx.run(sql`
      INSERT INTO scheme_version (scheme_id, version, plan, created_by)
      VALUES (${schemeId}, 1, ${JSON.stringify(SchemePlan.toJSON(plan))}::jsonb, ${by})`);
    await audit(tx, call, {
      resource: `schemes/${schemeId}`,
      change: { organisation_path: organisationPath, kind: plan.kind?.$case, version: 1 },
    });
    const [row] = await findSchemeVersions(tx, everything, schemeId);
    if (!row) throw new Error('the scheme is not there after its insert');
    return { scheme: schemeMessage(row, 0) };
  });
}
