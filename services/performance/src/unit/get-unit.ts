import type { Call } from '@rapport/kit/rpc';
import type { GetUnitRequest, GetUnitResponse } from '@rapport/proto/performance/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findUnit, unitIdIn, unitMessage } from './unit.js';

/** Gives one unit. */
export async function getUnit(deps: Deps, request: GetUnitRequest, call: Call): Promise<GetUnitResponse> {
  const row = await findUnit(deps.db.scoped(call.scope), unitIdIn(request.name), call.scope);
  if (!row) throw fail('UNIT_NOT_FOUND', { metadata: { unit: request.name } });
  return { organisationUnit: unitMessage(row) };
}
