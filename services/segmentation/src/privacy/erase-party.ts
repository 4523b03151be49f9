import { deleteWith, sql, tablesWith, type Tx } from '@rapport/kit/db';
import { countsOf, entomb, type EraserOptions, publish } from '@rapport/kit/events';
import { MembershipReason, PartyErased } from '@rapport/proto/segmentation/v1';
import type { PartyErasureRequested } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { eraseFacts } from '../fact/fact.js';
import { addToDay } from '../history/history.js';
import { lockLists } from '../list/list.js';
import { dayAt } from '../rule/rule.js';
import { PARTY } from './personal-data.js';

/** Hears that a party is to be erased: from now on nothing is taken in about it. */
export async function onPartyErasureRequested(tx: Tx, event: PartyErasureRequested): Promise<void> {
  const { party, dataSubjectRequest, organisationPath } = event;
  const aggregate = party.slice('parties/'.length);
  await entomb(tx, { aggregate, subject: party, request: dataSubjectRequest, organisationPath });
}

/** Removes the facts of the party from ClickHouse, and its memberships and every other row from Postgres. */
export const erasing = ({
  db,
  analytics,
  clock,
  zone,
}: Pick<Deps, 'db' | 'analytics' | 'clock' | 'zone'>): EraserOptions<unknown> => ({
  db,
  service: 'segmentation',
  outside: async ({ aggregate }) => eraseFacts(analytics, [aggregate]),
  erase: async (tx, { aggregate }) => {
    // Whoever writes memberships holds these, and looks under them whether the party is still there.
    await tx.run(sql`SELECT FROM segment_version WHERE state = 3 ORDER BY segment_id, version FOR UPDATE`);
    // Whoever writes entries of a list holds it, and looks under it likewise.
    await lockLists(tx);
    const left = await tx.rows<{ segment_id: string; version: number }>(sql`
      UPDATE segment_version v SET members = members - 1
      FROM membership m WHERE m.party_id = ${aggregate} AND m.segment_id = v.segment_id AND m.version = v.version
      RETURNING v.segment_id, v.version`);
    const reason = MembershipReason.MEMBERSHIP_REASON_ERASED;
    await addToDay(tx, [], left, { reason, day: dayAt(clock.now(), zone) });
    return { counts: await deleteWith(tx, await tablesWith(tx, PARTY), [aggregate]) };
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
