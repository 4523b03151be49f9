import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { GetCaseRequest, GetCaseResponse } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { caseMessage, findCase } from './case.js';

/** Gets one case; texts about the party only where the caller may see them. */
export async function getCase(deps: Deps, request: GetCaseRequest, call: Call): Promise<GetCaseResponse> {
  const row = await findCase(deps.db.scoped(call.scope), call.scope, request.name);
  await deps.reads.record(call, request.name);
  return { case: caseMessage(row, scopeFor(call, 'C2'), deps.clock.now()) };
}
