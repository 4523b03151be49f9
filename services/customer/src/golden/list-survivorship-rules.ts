import type { Call } from '@rapport/kit/rpc';
import type { ListSurvivorshipRulesRequest, ListSurvivorshipRulesResponse } from '@rapport/proto/customer/v1';
import { assertInside } from '../access/access.js';
import type { Deps } from '../deps.js';
import { readRules, rulesAt } from './golden.js';

/** Gives the rule that holds for each field at a place. */
export async function listSurvivorshipRules(
  deps: Deps,
  request: ListSurvivorshipRulesRequest,
  call: Call,
): Promise<ListSurvivorshipRulesResponse> {
  const place = request.organisationPath || call.principal.orgPath;
  assertInside(call.scope, { organisationPath: place, manager: '' });
  const rules = await readRules(deps.db.scoped(call.scope));
  await deps.reads.record(call, 'survivorshipRules');
  return { rules: rulesAt(rules, place) };
}
