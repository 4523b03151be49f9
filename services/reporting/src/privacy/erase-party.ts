import { deleteWith, tablesWith, type Tx } from '@rapport/kit/db';
import { countsOf, entomb, type EraserOptions, publish } from '@rapport/kit/events';
import { PartyErased } from '@rapport/proto/reporting/v1';
import type { PartyErasureRequested } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';

/** Hears that a party is to be erased: from now on nothing is taken in about it. */
export async function onPartyErasureRequested(tx: Tx, event: PartyErasureRequested): Promise<void> {
  const { party, dataSubjectRequest, organisationPath } = event;
  const aggregate = party.slice('parties/'.length);
  await entomb(tx, { aggregate, subject: party, request: dataSubjectRequest, organisationPath });
}

/**
 * Facts here count events; they hold no party, and without the events that are erased with it nothing leads from one to
 * the other. A table that held one would be emptied here.
 */
export const erasing = ({ db }: Pick<Deps, 'db'>): EraserOptions<unknown> => ({
  db,
  service: 'reporting',
  erase: async (tx, { aggregate }) => ({
    counts: await deleteWith(tx, await tablesWith(tx, 'party_id'), [aggregate]),
  }),
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
