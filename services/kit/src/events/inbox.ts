import { sql, type Tx } from '../db/index.js';

/**
 * Notes events as applied by a consumer and gives the ids of those that it had not applied before. For a batch consumer
 * whose effect is not idempotent: called first in the transaction that holds the effect, each event counts once, however
 * often the batch comes. Waits for a transaction that applies the same events at this moment.
 */
export async function claimEvents(tx: Tx, consumer: string, ids: readonly string[]): Promise<Set<string>> {
  const fresh = await tx.rows<{ id: string }>(sql`
    INSERT INTO kit.inbox (event_id, consumer) SELECT id, ${consumer} FROM unnest(${[...new Set(ids)].sort()}::uuid[]) AS id
    ON CONFLICT DO NOTHING RETURNING event_id AS id`);
  return new Set(fresh.map(({ id }) => id));
}
