import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type CreateSchemeVersionRequest,
  CreateSchemeVersionResponse,
  SchemePlan,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { kindOf } from './plan.js';
import { findSchemeVersions, parseSchemeName, schemeVersionMessage } from './scheme.js';
import { soundPlan } from './sound.js';

/** Adds a draft. Throws SCHEME_NOT_FOUND, SCHEME_KIND_FIXED, PLAN_INVALID, PARTITION_NOT_SOUND. */
export async function createSchemeVersion(
  deps: Deps,
  request: CreateSchemeVersionRequest,
  call: Call,
): Promise<CreateSchemeVersionResponse> {
  const { schemeId } = parseSchemeName(request.parent);
  const [latest] = await findSchemeVersions(deps.db.scoped(call.scope), call.scope, schemeId);
  if (!latest) throw fail('SCHEME_NOT_FOUND');
  const proposed = { schemeId, organisationPath: latest.organisation_path, plan: request.plan };
  const plan = await soundPlan(deps, proposed, call);
  if (kindOf(plan) !== latest.kind) throw fail('SCHEME_KIND_FIXED', { metadata: { scheme: request.parent } });
  return idempotent(deps.db, call, request, CreateSchemeVersionResponse, async (tx) => {
    await tx.run(sql`SELECT FROM scheme WHERE scheme_id = ${schemeId} FOR UPDATE`);
    await tx.run(sql`
      INSERT INTO scheme_version (scheme_id, version, plan, created_by)
      SELECT ${schemeId}, max(version) + 1, ${JSON.stringify(SchemePlan.toJSON(plan))}::jsonb, ${call.principal.subject}
      FROM scheme_version WHERE scheme_id = ${schemeId}`);
    const [row] = await findSchemeVersions(tx, everything, schemeId);
    if (!row) throw new Error('the version is not there after its insert');
    await audit(tx, call, { resource: request.parent, change: { version: row.version } });
    return { version: schemeVersionMessage(row) };
  });
}
