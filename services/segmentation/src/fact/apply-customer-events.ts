import { type Database, everything, sql } from '@rapport/kit/db';
import { erasedAmong } from '@rapport/kit/events';
import type { Deps } from '../deps.js';
import { eraseFacts, type FactEvent, factsOf, storeFacts } from './fact.js';

/** Notes whose facts changed, and how far events were applied. The same order of rows everywhere, so that no two wait. */
async function noteChanges(db: Database, touched: Map<string, string | undefined>, last: Date): Promise<void> {
  const parties = [...touched].sort(([a], [b]) => (a < b ? -1 : 1));
  await db.transaction(everything, async (tx) => {
    await tx.run(sql`
      INSERT INTO changed_party AS c (party_id, shard, traceparent)
      SELECT party, shard, traceparent FROM unnest(${parties.map(([party]) => party)}::uuid[],
        ${parties.map(([party]) => Number.parseInt(party.at(-1) ?? '0', 16))}::smallint[],
        ${parties.map(([, traceparent]) => traceparent ?? null)}::text[]) AS touched (party, shard, traceparent)
      ON CONFLICT (party_id) DO UPDATE
        SET change = c.change + 1, pending = true, traceparent = excluded.traceparent, change_time = excluded.change_time`);
    await tx.run(sql`
      INSERT INTO fact_progress AS p (last_event_time) VALUES (${last})
      ON CONFLICT ("only") DO UPDATE SET last_event_time = greatest(p.last_event_time, excluded.last_event_time)`);
  });
}

/**
 * Gives the function that applies a batch of customer events: rows into ClickHouse, then their parties are noted in
 * Postgres as changed. Safe to repeat: the same rows again are the same facts, and a party noted twice is looked at
 * twice. When it is killed between the two, the batch comes again.
 */
export function applyCustomerEvents({ db, analytics }: Deps, changed: () => void) {
  return async (events: FactEvent[]): Promise<void> => {
    const { rows, touched } = factsOf(events);
    await storeFacts(analytics, rows);
    // Asked afterwards: an erasure that this does not see yet removes the rows itself.
    const gone = await erasedAmong(db.system, [...touched.keys()]);
    if (gone.length > 0) await eraseFacts(analytics, gone);
    const last = new Date(Math.max(...events.map(({ meta }) => meta.occurred.getTime())));
    await noteChanges(db, touched, last);
    changed();
  };
}
