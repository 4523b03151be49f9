import { setTimeout as sleep } from 'node:timers/promises';
import { everything, type Lease, leased, sql, type Tx } from '@rapport/kit/db';
import { erasedAmong } from '@rapport/kit/events';
import type { Running } from '@rapport/kit/runtime';
import type { Deps } from '../deps.js';
import { eraseFacts, tables } from '../fact/fact.js';
import { noteChanged } from '../membership/membership.js';
import { goldenOf } from '../merge/merge.js';
import { dayOf } from '../segment/segment.js';
import { applyUploads, clearUploads } from './apply-uploads.js';
import { moveEntries, placesOf } from './list.js';

/** Between looks: how late an entry is seen by rules. */
const POLL_MS = 500;
/** How often it is looked for what uploads leave behind. */
const CLEAR_MS = 60_000;
/** Entries sent at once; bounds the memory. */
const BATCH = 5000;

interface Unsent {
  list_id: string;
  party_id: string;
  from_date: string;
  until_date: string | null;
  change: bigint;
}

/** Has the customers of these parties looked at again. */
async function noteListed(tx: Tx, parties: readonly string[]): Promise<void> {
  const golden = [...new Set((await goldenOf(tx, parties)).values())];
  await noteChanged(tx, new Map(golden.map((party) => [party, undefined])));
}

/**
 * Sends entries that changed to ClickHouse as facts, the oldest first, and then has their parties looked at again.
 * Gives how many there were. Safe to repeat and to kill: the same change again is the same fact, and what changed
 * meanwhile is sent once more.
 */
export async function sendEntries(deps: Deps): Promise<number> {
  const { db, analytics } = deps;
  const unsent = await db.system.rows<Unsent>(sql`
    SELECT list_id, party_id, from_date, until_date, change FROM list_entry WHERE NOT sent ORDER BY change LIMIT ${BATCH}`);
  if (unsent.length === 0) return 0;
  const parties = [...new Set(unsent.map((entry) => entry.party_id))];
  await analytics.insert(
    tables.listed.name,
    unsent.map((entry) => ({
      party: entry.party_id,
      list: entry.list_id,
      from_date: dayOf(entry.from_date) ?? 0,
      until_date: dayOf(entry.until_date) ?? 0,
      version: entry.change,
    })),
  );
  // Asked afterwards: an erasure that this does not see yet removes the rows itself.
  const gone = await erasedAmong(db.system, parties);
  if (gone.length > 0) await eraseFacts(analytics, gone);
  // Who moved between the look and the commit of whoever entered it, which its own event did not find here.
  const places = await placesOf(analytics, parties, { text: '1', parameters: {} });
  await db.transaction(everything, async (tx) => {
    await noteListed(tx, parties);
    await moveEntries(tx, places);
    await tx.run(sql`
      UPDATE list_entry e SET sent = true
      FROM unnest(${unsent.map((entry) => entry.list_id)}::text[], ${unsent.map((entry) => entry.party_id)}::uuid[],
        ${unsent.map((entry) => entry.from_date)}::date[], ${unsent.map(({ change }) => change)}::bigint[])
        AS sent (list_id, party_id, from_date, change)
      WHERE (e.list_id, e.party_id, e.from_date, e.change) = (sent.list_id, sent.party_id, sent.from_date, sent.change)`);
  });
  return unsent.length;
}

/** Applies uploads and keeps the facts of lists as their entries are. Leased: one process at a time, the next one within seconds. */
export function followLists(deps: Deps, changed: () => void): Running {
  return leased({
    db: deps.db,
    group: 'lists',
    names: ['lists'],
    work: async ({ signal }: Lease) => {
      let cleared = 0;
      while (!signal.aborted) {
        const applied = await applyUploads(deps);
        const sent = await sendEntries(deps);
        if (sent > 0) changed();
        if (applied || sent > 0) continue;
        if (Date.now() - cleared > CLEAR_MS && !(await clearUploads(deps))) cleared = Date.now();
        await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
