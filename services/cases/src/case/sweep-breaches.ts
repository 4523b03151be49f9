import { setTimeout as sleep } from 'node:timers/promises';
import { audit, systemCaller } from '@rapport/kit/crypto';
import { type Database, everything, leased, type Sql, sql } from '@rapport/kit/db';
import type { Clock, Running } from '@rapport/kit/runtime';
import { caseName, openStates } from './case.js';

const caller = systemCaller('cases', 'SweepBreaches');
/** Cases marked in one transaction. */
const BATCH = 500;

/**
 * Marks cases whose running clock has passed: each promise once, with one audit record. Gives how many marks it made, at
 * most `limit` of each kind. Safe to run at any time, from any process.
 */
export async function sweepBreaches(db: Database, now: Date, limit = BATCH): Promise<number> {
  const resolution = sql`NOT resolution_breached AND due_time < ${now}`;
  const response = sql`NOT response_breached AND response_time IS NULL AND response_due_time < ${now}`;
  const late = await mark(db, 'resolution', resolution, limit);
  return late + (await mark(db, 'response', response, limit));
}

function mark(db: Database, promise: 'resolution' | 'response', broken: Sql, limit: number): Promise<number> {
  const column = sql.raw(promise === 'resolution' ? 'resolution_breached' : 'response_breached');
  return db.plain.transaction(everything, async (tx) => {
    // A case that somebody is working on right now is left for the next round.
    const rows = await tx.rows<{ caseId: string }>(sql`
      UPDATE service_case SET ${column} = TRUE
      WHERE case_id = ANY(ARRAY(
        SELECT case_id FROM service_case WHERE ${openStates} AND pause_time IS NULL AND ${broken}
        LIMIT ${limit} FOR UPDATE SKIP LOCKED))
      RETURNING case_id AS "caseId"`);
    await audit(tx, caller, { resource: rows.map((row) => caseName(row.caseId)), change: { breached: promise } });
    return rows.length;
  });
}

/** Sweeps every few seconds, in one process of all replicas at a time. */
export function startSweeper({
  db,
  clock,
  everyMs = 5_000,
}: {
  db: Database;
  clock: Clock;
  everyMs?: number;
}): Running {
  return leased({
    db,
    group: 'case clocks',
    names: ['case clocks'],
    work: async ({ signal }) => {
      while (!signal.aborted) {
        const marks = await sweepBreaches(db, clock.now());
        if (marks < BATCH) await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
