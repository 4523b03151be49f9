import { type Queryable, sql, type Tx } from '@rapport/kit/db';
import { type PartyCreated, PartyState, type PartyUpdated } from '@rapport/proto/customer/v1';
import { fail } from '../errors.js';
import { membersOf } from '../merge/merge.js';

/** The case type that goes on while the processing of its party is restricted. */
export const REQUEST_TYPE = 'data_subject_request';

/** Hears where a party stands: whether its data may be used. */
export async function onPartyChanged(tx: Tx, { party, state }: PartyCreated | PartyUpdated): Promise<void> {
  const id = party.slice('parties/'.length);
  await tx.run(
    state === PartyState.PARTY_STATE_RESTRICTED
      ? sql`INSERT INTO restricted_party (party_id) VALUES (${id}) ON CONFLICT DO NOTHING`
      : sql`DELETE FROM restricted_party WHERE party_id = ${id}`,
  );
}

/**
 * Refuses work on a case of a party whose processing is restricted, also where it was restricted under another name of the
 * same golden record, unless the case is about that right itself.
 */
export async function assertUsable(on: Queryable, row: { type: string; partyId: string | null }): Promise<void> {
  if (row.partyId === null || row.type === REQUEST_TYPE) return;
  const { restricted } = await on.one<{ restricted: boolean }>(sql`
    SELECT EXISTS (SELECT FROM restricted_party WHERE party_id = ANY(${membersOf(row.partyId)})) AS restricted`);
  if (restricted) throw fail('PARTY_RESTRICTED');
}
