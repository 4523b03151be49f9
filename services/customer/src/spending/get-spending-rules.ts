import { covers, sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type { GetSpendingRulesRequest, GetSpendingRulesResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { defaultRules } from './default-rules.js';
import { type RulesRecord, rulesMessage, unitsAbove } from './spending.js';

/** Gives the rules of the nearest unit at or above the path; they are no personal data. */
export async function getSpendingRules(
  deps: Deps,
  request: GetSpendingRulesRequest,
  call: Call,
): Promise<GetSpendingRulesResponse> {
  const { organisationPath } = request;
  if (!covers(call.principal.orgPath, organisationPath)) {
    throw fail('ORGANISATION_PATH_OUTSIDE', { metadata: { organisation_path: organisationPath } });
  }
  const row = await deps.db.scoped(call.scope).maybe<RulesRecord>(sql`
    SELECT organisation_path AS "organisationPath", rules, version, updated_by AS "updatedBy",
      update_time AS "updateTime"
    FROM spending_rules WHERE organisation_path = ANY(${unitsAbove(organisationPath)}::text[])
    ORDER BY length(organisation_path) DESC LIMIT 1`);
  if (row) return { rules: rulesMessage(row) };
  return { rules: { organisationPath: '/', rules: [...defaultRules], updatedBy: '', etag: '' } };
}
