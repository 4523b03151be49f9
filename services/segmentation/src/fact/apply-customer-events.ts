import { type Database, everything, sql } from '@rapport/kit/db';
import { erasedAmong } from '@rapport/kit/events';
import type { Deps } from '../deps.js';
import { forgetNumbers, noteChanged, numberRows } from '../membership/membership.js';
import { moveEntries, type Place } from '../list/list.js';
import { type Alias, goldenOf, keepAliases } from '../merge/merge.js';
import { eraseFacts, type FactEvent, factsOf, membersOf, recategorise, storeFacts, tables } from './fact.js';

/** What a row of the table `party` says of its place. */
type PartyFact = Omit<Place, 'path'> & { organisation_path: string };

/** Notes whose facts changed, and how far events were applied. */
async function noteChanges(
  db: Database,
  touched: Map<string, string | undefined>,
  aliases: readonly Alias[],
  last: Date,
  places: readonly Place[],
): Promise<void> {
  await db.transaction(everything, async (tx) => {
    await keepAliases(tx, aliases);
    // What is told of a merged party changes its golden record; it is itself looked at once more, when it was merged.
    const golden = await goldenOf(tx, [...touched.keys()]);
    const merged = new Set(aliases.map(({ party }) => party));
    const changed = new Map<string, string | undefined>();
    for (const [party, traceparent] of touched) {
      changed.set(golden.get(party) ?? party, traceparent);
      if (merged.has(party)) changed.set(party, traceparent);
    }
    await noteChanged(tx, changed);
    await moveEntries(tx, places);
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
    const { rows, touched, aliases, recategorised, households } = factsOf(events);
    await numberRows(db, rows.get(tables.party.name) ?? []);
    await storeFacts(analytics, rows);
    await recategorise(analytics, recategorised);
    // Whoever lives with somebody who came or left has another size of household.
    for (const [party, traceparent] of await membersOf(analytics, households)) {
      if (!touched.has(party)) touched.set(party, traceparent);
    }
    // Asked afterwards: an erasure that this does not see yet removes the rows itself.
    const gone = await erasedAmong(db.system, [...touched.keys()]);
    if (gone.length > 0) {
      await eraseFacts(analytics, gone);
      await forgetNumbers(db, gone);
    }
    const last = new Date(Math.max(...events.map(({ meta }) => meta.occurred.getTime())));
    const told = (rows.get(tables.party.name) ?? []) as PartyFact[];
    const places = told.map(({ party, organisation_path: path, manager, version }) => ({
      party,
      path,
      manager,
      version,
    }));
    await noteChanges(db, touched, aliases, last, places);
    changed();
  };
}
