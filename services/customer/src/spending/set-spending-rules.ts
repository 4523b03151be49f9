import { audit } from '@rapport/kit/crypto';
import { covers, sql } from '@rapport/kit/db';
import { type Call, checkEtag, idempotent } from '@rapport/kit/rpc';
import {
  SpendingRule,
  type SpendingRules,
  type SetSpendingRulesRequest,
  SetSpendingRulesResponse,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { ruleBreach, rulesEtag, rulesMessage, type RulesRecord } from './spending.js';

/** Sets all rules of one unit, for what is booked from now on. */
export async function setSpendingRules(
  deps: Deps,
  request: SetSpendingRulesRequest,
  call: Call,
): Promise<SetSpendingRulesResponse> {
  const { organisationPath, rules, etag } = request.rules as SpendingRules;
  if (!covers(call.principal.orgPath, organisationPath)) {
    throw fail('ORGANISATION_PATH_OUTSIDE', { metadata: { organisation_path: organisationPath } });
  }
  for (const [index, rule] of rules.entries()) {
    const breach = ruleBreach(rule);
    if (!breach) continue;
    const field = `rules.rules[${index}]${breach.field === '' ? '' : `.${breach.field}`}`;
    throw fail('FIELD_INVALID', { violations: [{ field, description: breach.description }] });
  }
  return idempotent(deps.db, call, request, SetSpendingRulesResponse, async (tx) => {
    // Two who set the first rules of a unit at once: the second waits here and then sees those of the first.
    await tx.run(sql`SELECT pg_advisory_xact_lock(hashtextextended(${`spending_rules ${organisationPath}`}, 0))`);
    const before = await tx.maybe<{ version: number }>(sql`
      SELECT version FROM spending_rules WHERE organisation_path = ${organisationPath}`);
    if (before || etag !== '') checkEtag(etag || '""', before ? rulesEtag(before) : '');
    const row: RulesRecord = {
      organisationPath,
      rules: rules.map((rule) => SpendingRule.toJSON(rule)),
      version: (before?.version ?? 0) + 1,
      updatedBy: call.principal.subject,
      updateTime: deps.clock.now(),
    };
    await tx.run(sql`
      INSERT INTO spending_rules (organisation_path, rules, version, updated_by, update_time)
      VALUES (${organisationPath}, ${JSON.stringify(row.rules)}::jsonb, ${row.version}, ${row.updatedBy}, ${row.updateTime})
      ON CONFLICT (organisation_path) DO UPDATE SET rules = EXCLUDED.rules, version = EXCLUDED.version,
        updated_by = EXCLUDED.updated_by, update_time = EXCLUDED.update_time`);
    await audit(tx, call, {
      resource: `spendingRules${organisationPath}`,
      change: { rules: rules.length, version: row.version },
    });
    return { rules: rulesMessage(row) };
  });
}
