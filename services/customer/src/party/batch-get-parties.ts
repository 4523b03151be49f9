import { sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { BatchGetPartiesRequest, BatchGetPartiesResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { idsIn, membersOf, partyMessage, partyName } from './party.js';
import { partyColumns, type PartyRecord } from './record.js';

/** Gives the parties that the caller may see, in the order asked for, golden records once; the other names come back as missing. */
export async function batchGetParties(
  deps: Deps,
  request: BatchGetPartiesRequest,
  call: Call,
): Promise<BatchGetPartiesResponse> {
  const ids = request.names.flatMap((name) => idsIn(name) ?? []);
  const rows = await deps.db.scoped(call.scope).rows<PartyRecord>(sql`
    SELECT ${partyColumns} FROM party
    WHERE party_id IN (SELECT golden_id FROM party WHERE party_id = ANY(${ids}::uuid[]))
      AND ${seen(call.scope, 'party')}`);
  const found = new Map(rows.flatMap((row) => membersOf(row).map((id) => [partyName(id), row])));
  await deps.reads.record(
    call,
    rows.map((row) => partyName(row.partyId)),
  );
  const asked = new Set(request.names.flatMap((name) => found.get(name) ?? []));
  const clear = scopeFor(call, 'C2');
  return {
    parties: [...asked].map((row) => partyMessage(deps, row, clear)),
    missing: request.names.filter((name) => !found.has(name)),
  };
}
