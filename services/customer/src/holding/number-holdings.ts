import { everything, leased, sql } from '@rapport/kit/db';
import { logger, type Running } from '@rapport/kit/runtime';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deps } from '../deps.js';
import { type HoldingRecord, indexNumbers } from './holding.js';

const BATCH = 1_000;
/** What a process of a version before has written during an update is found within the hour. */
const EVERY_MS = 3_600_000;
const FIRST = '00000000-0000-0000-0000-000000000000';

type Unnumbered = Pick<HoldingRecord, 'partyId' | 'holdingId' | 'sourceKey' | 'organisationPath' | 'manager'>;

/**
 * Lets the holdings that came in before their numbers were indexed be found by the number in their source key: one pass
 * over all holdings, batch by batch in the order of their keys. Gives how many it brought in. Safe to repeat.
 */
export async function numberHoldings(deps: Pick<Deps, 'db' | 'cipher'>, signal?: AbortSignal): Promise<number> {
  let after = { partyId: FIRST, holdingId: FIRST };
  let numbered = 0;
  for (;;) {
    signal?.throwIfAborted();
    const rows = await deps.db.system.rows<Unnumbered>(sql`
      SELECT h.party_id AS "partyId", h.holding_id AS "holdingId", h.source_key AS "sourceKey",
        h.organisation_path AS "organisationPath", h.manager
      FROM holding h
      WHERE (h.party_id, h.holding_id) > (${after.partyId}::uuid, ${after.holdingId}::uuid) AND h.source_key IS NOT NULL
        AND NOT EXISTS (SELECT FROM holding_number n WHERE n.party_id = h.party_id AND n.holding_id = h.holding_id)
      ORDER BY h.party_id, h.holding_id LIMIT ${BATCH}`);
    const last = rows.at(-1);
    if (!last) return numbered;
    await deps.db.transaction(everything, async (tx) => {
      // What changed meanwhile has numbered itself.
      const still = await tx.rows<Unnumbered>(sql`
        SELECT h.party_id AS "partyId", h.holding_id AS "holdingId", h.source_key AS "sourceKey",
          h.organisation_path AS "organisationPath", h.manager
        FROM unnest(${rows.map(({ partyId }) => partyId)}::uuid[], ${rows.map(({ holdingId }) => holdingId)}::uuid[])
          AS w (party_id, holding_id)
          JOIN holding h ON h.party_id = w.party_id AND h.holding_id = w.holding_id
        WHERE h.source_key IS NOT NULL
          AND NOT EXISTS (SELECT FROM holding_number n WHERE n.party_id = h.party_id AND n.holding_id = h.holding_id)
        ORDER BY h.party_id, h.holding_id FOR NO KEY UPDATE OF h`);
      await indexNumbers(
        tx,
        deps.cipher,
        still.map((row) => ({ row, iban: '' })),
      );
      numbered += still.length;
    });
    after = last;
  }
}

/** Numbers holdings at the start and every hour, in one process of all replicas. */
export function startNumbering(deps: Pick<Deps, 'db' | 'cipher'>): Running {
  return leased({
    db: deps.db,
    group: 'holding numbers',
    names: ['holding numbers'],
    work: async ({ signal }) => {
      while (!signal.aborted) {
        const numbered = await numberHoldings(deps, signal);
        if (numbered > 0) logger.info({ holdings: numbered }, 'holdings are found by their numbers');
        await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
