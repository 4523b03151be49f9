import { audit, systemCaller } from '@rapport/kit/crypto';
import { type Database, everything, leased, sql } from '@rapport/kit/db';
import type { Clock, Running } from '@rapport/kit/runtime';
import { setTimeout as sleep } from 'node:timers/promises';
import { partyName } from '../party/party.js';

const BATCH = 100;
const HOUR_MS = 3_600_000;

/** Deletes the records of money of erased parties whose time is over. Gives how many parties there were. */
export async function purgeRetained(db: Database, now: Date): Promise<number> {
  return db.plain.transaction(everything, async (tx) => {
    const due = await tx.rows<{ id: string }>(sql`
      DELETE FROM retention WHERE party_id IN (
        SELECT party_id FROM retention WHERE until_time <= ${now} ORDER BY until_time LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
      RETURNING party_id AS id`);
    if (due.length === 0) return 0;
    const ids = due.map(({ id }) => id);
    const transactions = await tx.run(sql`DELETE FROM transaction WHERE party_id = ANY(${ids}::uuid[])`);
    await tx.run(sql`
      DELETE FROM holding_role WHERE party_id = ANY(${ids}::uuid[]) OR holding_party_id = ANY(${ids}::uuid[])`);
    const holdings = await tx.run(sql`DELETE FROM holding WHERE party_id = ANY(${ids}::uuid[])`);
    const change = { purged: { transactions, holdings } };
    await audit(tx, systemCaller('customer', 'PurgeRetained'), { resource: ids.map(partyName), change });
    return due.length;
  });
}

/** Looks every hour, in one process of all replicas at a time. */
export function startPurging({ db, clock }: { db: Database; clock: Clock }): Running {
  return leased({
    db,
    group: 'retention',
    names: ['retention'],
    work: async ({ signal }) => {
      while (!signal.aborted) {
        const purged = await purgeRetained(db, clock.now());
        if (purged < BATCH) await sleep(HOUR_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
