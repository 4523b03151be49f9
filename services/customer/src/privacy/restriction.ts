import { sql, type Tx } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { PartyState, PartyUpdated } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { storeMatchKeys } from '../matching/matching.js';
import { openParty, partyColumns, partyName, type PartyRecord, partyUpdated } from '../party/party.js';

/**
 * Restricts the use of parties, or lets them be used again, and tells so: every service hears it and keeps to it. They
 * are no longer matched meanwhile, whatever their sources say, and open questions about them lapse. Gives how many parties changed.
 */
export async function restrict(
  tx: Tx,
  { cipher }: Pick<Deps, 'cipher'>,
  members: readonly string[],
  restricted: boolean,
  now: Date,
): Promise<number> {
  const { PARTY_STATE_ACTIVE, PARTY_STATE_RESTRICTED } = PartyState;
  const [from, to] = restricted
    ? [sql`NOT restricted`, PARTY_STATE_RESTRICTED]
    : [sql`(restricted OR state = ${PARTY_STATE_RESTRICTED})`, PARTY_STATE_ACTIVE];
  const rows = await tx.rows<PartyRecord>(sql`
    UPDATE party SET restricted = ${restricted}, state = ${to}, version = version + 1, update_time = ${now}
    WHERE party_id = ANY(${[...members]}::uuid[]) AND ${from} RETURNING ${partyColumns}`);
  // Who is restricted has no keys to be matched by; who is not any more gets them back.
  const golden = rows.filter(({ partyId, goldenId }) => partyId === goldenId);
  await storeMatchKeys(
    tx,
    cipher,
    golden.map((row) => ({ row, secrets: openParty(cipher, row) })),
  );
  const events = rows.map((row) => ({
    message: partyUpdated(row, ['state']),
    options: { aggregate: row.partyId, subject: partyName(row.partyId) },
  }));
  await publishAll(tx, PartyUpdated, events);
  return rows.length;
}
