import { type Scope, sql, type Tx } from '@rapport/kit/db';
import { fail } from '../errors.js';
import { lifeEventColumns, lifeEventIdsIn, type LifeEventRecord, seenLifeEvents } from './life-event.js';

/** The life event of a name, locked, as far as the caller may see it. */
export async function lockLifeEvent(tx: Tx, name: string, personal: Scope, sensitive: Scope): Promise<LifeEventRecord> {
  const [partyId, lifeEventId] = lifeEventIdsIn(name);
  // A name with the golden id also finds what was recorded for a party that was merged into it.
  const row = await tx.maybe<LifeEventRecord>(sql`
    SELECT ${lifeEventColumns} FROM life_event l
    WHERE l.party_id IN (SELECT unnest(party_id || aliases) FROM party WHERE party_id = ${partyId})
      AND l.life_event_id = ${lifeEventId} AND ${seenLifeEvents(personal, sensitive)} FOR UPDATE`);
  if (!row) throw fail('LIFE_EVENT_NOT_FOUND');
  return row;
}
