import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type SetSurvivorshipRuleRequest,
  SetSurvivorshipRuleResponse,
  type SurvivorshipRule,
} from '@rapport/proto/customer/v1';
import { assertInside } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { criterionNames, readRules, rulesAt } from './golden.js';

/** Sets in which order criteria decide a field in a part of the bank. */
export async function setSurvivorshipRule(
  deps: Deps,
  request: SetSurvivorshipRuleRequest,
  call: Call,
): Promise<SetSurvivorshipRuleResponse> {
  const { organisationPath, path, criteria } = request;
  assertInside(call.scope, { organisationPath, manager: '' });
  if (!rulesAt([], organisationPath).some((rule) => rule.path === path)) {
    throw fail('FIELD_INVALID', { violations: [{ field: 'path', description: 'is not a field that sources state' }] });
  }
  return idempotent(deps.db, call, request, SetSurvivorshipRuleResponse, async (tx) => {
    const names = criteria.map((criterion) => criterionNames[criterion] ?? '');
    if (names.length === 0) {
      await tx.run(sql`
        DELETE FROM survivorship_rule WHERE organisation_path = ${organisationPath} AND path = ${path}`);
    } else {
      await tx.run(sql`
        INSERT INTO survivorship_rule (organisation_path, path, criteria, update_time)
        VALUES (${organisationPath}, ${path}, ${names}::text[], ${deps.clock.now()})
        ON CONFLICT (organisation_path, path) DO UPDATE SET criteria = EXCLUDED.criteria,
          update_time = EXCLUDED.update_time`);
    }
    await audit(tx, call, {
      resource: 'survivorshipRules',
      change: { organisationPath, path, criteria: names.join(' ') },
    });
    const rules = rulesAt(await readRules(tx), organisationPath);
    return { rule: rules.find((rule) => rule.path === path) as SurvivorshipRule };
  });
}
