import { inWords, rowsWith, tablesWith } from '@rapport/kit/db';
import type { PersonalRow } from '@rapport/kit/events';
import { DeliveryDecision, DeliveryReason, ReferralState } from '@rapport/proto/marketing/v1';
import { Channel } from '@rapport/proto/type/v1';
import type { Deps } from '../deps.js';

/** The column by which tables belong to a party. */
export const PARTY = 'party_id';

/** What numbers stand for, as whoever gets the file has no contract beside it. */
const words: Readonly<Record<string, Parameters<typeof inWords>[1]>> = {
  delivery: { state: DeliveryDecision, reason: DeliveryReason },
  delivery_decision: { decision: DeliveryDecision, reason: DeliveryReason },
  message_slot: { channel: Channel },
  suppression: { channel: Channel },
  referral: { state: ReferralState },
};

/** Gives the function that gathers everything this service keeps about parties: every table that belongs to one. */
export function personalData({ db }: Pick<Deps, 'db'>) {
  return async function* (ids: readonly string[]): AsyncIterable<PersonalRow> {
    for (const table of await tablesWith(db.system, PARTY)) {
      for (const row of await rowsWith(db.system, table, ids)) {
        yield { collection: table.table, row: inWords(row, words[table.table]), dataClass: 'C2' };
      }
    }
  };
}
