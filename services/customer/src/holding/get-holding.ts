import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { GetHoldingRequest, GetHoldingResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { findHolding, holdingMessage } from './holding.js';

/** Gives one holding. */
export async function getHolding(deps: Deps, request: GetHoldingRequest, call: Call): Promise<GetHoldingResponse> {
  const scope = scopeFor(call, 'C2');
  const row = await findHolding(deps.db.scoped(scope), request.name, scope);
  await deps.reads.record(call, request.name);
  return { holding: holdingMessage(deps, row) };
}
