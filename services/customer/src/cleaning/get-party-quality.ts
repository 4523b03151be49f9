import { scopeFilter, sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type { GetPartyQualityRequest, GetPartyQualityResponse } from '@rapport/proto/customer/v1';
import { dayAt } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { golden, partyColumns, partyIdIn, partyMessage, partyName, type PartyRecord } from '../party/party.js';
import { qualityOf } from './cleaning.js';

/** Judges one party, by a name that was merged its golden record; says what is wrong and where, never a value. */
export async function getPartyQuality(
  deps: Deps,
  request: GetPartyQualityRequest,
  call: Call,
): Promise<GetPartyQualityResponse> {
  const on = deps.db.scoped(call.scope);
  const row = await golden(partyIdIn(request.name), (id) =>
    on.maybe<PartyRecord>(sql`
      SELECT ${partyColumns} FROM party
      WHERE party_id = ${id} AND ${scopeFilter(call.scope, { path: 'organisation_path', manager: 'manager' })}`),
  );
  if (!row) throw fail('PARTY_NOT_FOUND', { metadata: { party: request.name } });
  const name = partyName(row.partyId);
  await deps.reads.record(call, name);
  const party = partyMessage(deps, row, { kind: 'everything' });
  const today = dayAt(deps.clock.now(), deps.bank.timeZone);
  return { quality: { party: name, ...qualityOf(party, deps.bank, today) } };
}
