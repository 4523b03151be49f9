import { deleteWith, sql, tablesWith, type Tx } from '@rapport/kit/db';
import { countsOf, entomb, type EraserOptions, publish } from '@rapport/kit/events';
import { PartyErased } from '@rapport/proto/cases/v1';
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
 * Frees the cases of the party of everything that was said in them and of the party itself. What a case was about, when
 * it came and how long each step took stays, because complaints must be answered for to the supervisor; it names nobody.
 */
export const erasing = ({ db }: Pick<Deps, 'db'>): EraserOptions<unknown> => ({
  db,
  service: 'cases',
  erase: async (tx, { aggregate }) => {
    const cases = await tx.rows<{ id: string }>(sql`
      SELECT case_id AS id FROM service_case WHERE party_id = ${aggregate} FOR UPDATE`);
    const ids = cases.map(({ id }) => id);
    const told = await tx.run(sql`
      DELETE FROM case_history WHERE case_id = ANY(${ids}::uuid[])
        AND kind NOT IN ('stateChange', 'assignment', 'complaintStep')`);
    await tx.run(sql`
      DELETE FROM case_history WHERE case_id = ANY(${ids}::uuid[]) AND detail #>> '{stateChange,reason}' <> ''`);
    const keys = await tx.run(sql`DELETE FROM case_key WHERE case_id = ANY(${ids}::uuid[])`);
    await tx.run(sql`
      UPDATE service_case SET party_id = NULL, subject = '', description = '', resolution = '', survey_comment = '',
        source = NULL, source_key = NULL
      WHERE case_id = ANY(${ids}::uuid[])`);
    const counts = await deleteWith(tx, await tablesWith(tx, PARTY), [aggregate]);
    return {
      counts: { ...counts, service_case: ids.length, case_history: told, case_key: keys },
      resources: ids.map((id) => `cases/${id}`),
    };
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
