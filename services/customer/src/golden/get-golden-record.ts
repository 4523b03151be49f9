import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { GetGoldenRecordRequest, GetGoldenRecordResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, partyName } from '../party/party.js';
import { openedRecord } from './golden.js';

/** Opens a golden record up: where each field comes from, what the others say, and why. */
export async function getGoldenRecord(
  deps: Deps,
  request: GetGoldenRecordRequest,
  call: Call,
): Promise<GetGoldenRecordResponse> {
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const { partyId } = await assertParty(on, request.name, scope);
  const goldenRecord = await openedRecord(on, deps, partyId, scope);
  if (!goldenRecord) throw fail('PARTY_NOT_FOUND', { metadata: { party: request.name } });
  await deps.reads.record(call, goldenRecord.party?.name ?? partyName(partyId));
  return { goldenRecord };
}
