import { deleteWith, sql, tablesWith, type Tx } from '@rapport/kit/db';
import { countsOf, entomb, type EraserOptions, publish } from '@rapport/kit/events';
import { PartyErased } from '@rapport/proto/marketing/v1';
import type { PartyErasureRequested } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { PARTY } from './personal-data.js';

/** Hears that a party is to be erased: from now on nothing is taken in about it. */
export async function onPartyErasureRequested(tx: Tx, event: PartyErasureRequested): Promise<void> {
  const { party, dataSubjectRequest, organisationPath } = event;
  const aggregate = party.slice('parties/'.length);
  await entomb(tx, { aggregate, subject: party, request: dataSubjectRequest, organisationPath });
}

/**
 * Removes every row that belongs to the party: messages decided, held and sent with their decisions, suppressions and
 * referrals. The figures of campaigns that reporting has counted stay; they name nobody.
 */
export const erasing = ({ db }: Pick<Deps, 'db'>): EraserOptions<unknown> => ({
  db,
  service: 'marketing',
  erase: async (tx, { aggregate }) => {
    const about = await tx.rows<{ name: string }>(sql`
      SELECT 'referrals/' || referral_id AS name FROM referral WHERE party_id = ${aggregate}
      UNION ALL SELECT 'suppressions/' || suppression_id FROM suppression WHERE party_id = ${aggregate}`);
    const counts = await deleteWith(tx, await tablesWith(tx, PARTY), [aggregate]);
    return { counts, resources: about.map(({ name }) => name) };
  },
  answer: (tx, { subject, request, organisationPath }, counts) =>
    publish(
      tx,
      PartyErased,
      {
        dataSubjectRequest: request,
        party: subject,
        organisationPath,
        counts: countsOf(counts),
        eraseTime: new Date(),
      },
      { aggregate: request.slice('dataSubjectRequests/'.length), subject: request },
    ),
});
