import { setTimeout as sleep } from 'node:timers/promises';
import { everything, leased, sql } from '@rapport/kit/db';
import { logger, type Running } from '@rapport/kit/runtime';
import { dayAt } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { RESTRICTED } from '../party/party.js';
import { measureParties } from './measure-parties.js';
import { dayNumber, dayText } from './series.js';

const BATCH = 200;
/** Months that are kept beside the one that runs. */
const MONTHS = 13;

/**
 * Closes the days that are over for up to 200 customers of whom nothing was heard since: who stops doing something is
 * noticed too. Gives how many were looked at; 0 when all are up to date.
 */
export async function closeDays(deps: Pick<Deps, 'db' | 'clock' | 'bank'>): Promise<number> {
  const today = dayAt(deps.clock.now(), deps.bank.timeZone);
  return deps.db.transaction(everything, async (tx) => {
    const due = await tx.rows<{ id: string }>(sql`
      SELECT DISTINCT id FROM (
        SELECT b.party_id AS id FROM behaviour_baseline b
        JOIN party p ON p.party_id = b.party_id AND p.merged_into IS NULL AND p.state <> ${RESTRICTED}
        WHERE b.through < ${dayText(dayNumber(today) - 2)} ORDER BY b.through LIMIT ${BATCH}) due`);
    await measureParties(deps, tx, new Map(due.map(({ id }) => [id, today])));
    return due.length;
  });
}

/** Makes the partitions of this month and the next, and lets go of what is older than thirteen months. */
export async function keepMonths(deps: Pick<Deps, 'db' | 'clock'>): Promise<void> {
  const now = deps.clock.now();
  const next = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
  const oldest = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - MONTHS, 1));
  for (const month of [now, next]) {
    await deps.db.system.run(sql`SELECT behaviour_month(${month.toISOString().slice(0, 10)}::date)`);
  }
  const old = await deps.db.system.rows<{ part: string }>(sql`
    SELECT c.relname AS part FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'behaviour_event'::regclass AND c.relname ~ '^behaviour_event_[0-9]{6}$'
      AND c.relname < ${`behaviour_event_${oldest.toISOString().slice(0, 7).replace('-', '')}`}`);
  for (const { part } of old) await deps.db.system.run(sql`DROP TABLE ${sql.raw(part)}`);
  await deps.db.system.run(sql`DELETE FROM behaviour_event_rest WHERE time < ${oldest}`);
}

/** Does both in one process at a time, until stopped. */
export function startClosingDays(deps: Deps, everyMs = 60_000): Running {
  return leased({
    db: deps.db,
    group: 'customer-behaviour',
    names: ['customer-behaviour'],
    work: async ({ signal }) => {
      let kept = '';
      while (!signal.aborted) {
        let more = false;
        try {
          const today = dayAt(deps.clock.now(), 'UTC');
          if (kept !== today) await keepMonths(deps);
          kept = today;
          more = (await closeDays(deps)) > 0;
        } catch (error) {
          logger.warn({ err: error }, 'days could not be closed');
        }
        // While there is work it goes on, and leaves most of the time to others.
        await sleep(more ? 200 : everyMs, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
