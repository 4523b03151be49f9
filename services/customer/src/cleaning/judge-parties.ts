import { setTimeout as sleep } from 'node:timers/promises';
import { audit, SealError, systemCaller } from '@rapport/kit/crypto';
import { everything, leased, sql } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import type { Running } from '@rapport/kit/runtime';
import { PartyUpdated } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import {
  changedPaths,
  cleaned,
  findable,
  partyColumns,
  partyMessage,
  partyName,
  type PartyRecord,
  partyUpdated,
  recordOf,
  storeChange,
} from '../party/party.js';

const caller = systemCaller('customer', 'JudgeParties');
/** Parties in one transaction. */
const BATCH = 200;

/**
 * Cleans and judges parties that a version of the service wrote which did not, and writes what they are found by anew.
 * Gives how many it looked at, at most `limit`. Safe to run at any time, from any process. A party whose key is gone stays
 * as it is, with a score of 0. Publishes PartyUpdated where a value changed.
 */
export async function judgeParties(deps: Deps, limit = BATCH): Promise<number> {
  return deps.db.plain.transaction(everything, async (tx) => {
    const rows = await tx.rows<PartyRecord>(sql`
      SELECT ${partyColumns} FROM party WHERE quality IS NULL ORDER BY party_id LIMIT ${limit} FOR UPDATE SKIP LOCKED`);
    if (rows.length === 0) return 0;
    const changes = rows.flatMap((before) => judged(deps, before) ?? []);
    const sealed = rows.filter((row) => !changes.some(({ before }) => before === row)).map(({ partyId }) => partyId);
    await tx.run(sql`UPDATE party SET quality = 0 WHERE party_id = ANY(${sealed}::uuid[])`);
    if (changes.length > 0) await storeChange(tx, deps.cipher, changes);
    const updates = changes.filter(({ paths }) => paths.length > 0);
    const events = updates.map(({ row, paths }) => ({
      message: partyUpdated(row, paths),
      options: { aggregate: row.partyId, subject: partyName(row.partyId) },
    }));
    if (events.length > 0) await publishAll(tx, PartyUpdated, events);
    await audit(tx, caller, { resource: rows.map(({ partyId }) => partyName(partyId)), change: { judged: true } });
    return rows.length;
  });
}

function judged(deps: Deps, before: PartyRecord) {
  try {
    const current = partyMessage(deps, before, everything);
    const clean = cleaned(deps, current);
    const paths = changedPaths(current, clean.party);
    const later = paths.length > 0 ? { version: before.version + 1, updateTime: deps.clock.now() } : {};
    const row = recordOf(deps, clean, { ...before, ...later });
    return { before, ...findable(row, clean.party), paths };
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

/** Looks every minute, in one process of all replicas at a time. */
export function startJudging(deps: Deps, everyMs = 60_000): Running {
  return leased({
    db: deps.db,
    group: 'party quality',
    names: ['party quality'],
    work: async ({ signal }) => {
      while (!signal.aborted) {
        const looked = await judgeParties(deps);
        if (looked < BATCH) await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
