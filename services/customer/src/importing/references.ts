import { scopeFilter, sql } from '@rapport/kit/db';
import type { Placed } from '../access/access.js';
import type { Batch } from './batch.js';

/** A party that a row names. */
interface Found extends Placed {
  partyId: string;
  goldenId: string;
  state: number;
}

/**
 * The parties behind source keys, as far as the caller may see them. They are held in one order, so that none is merged
 * or moved while rows are written that stand where it stands.
 */
export async function partiesByKey(batch: Batch, keys: readonly string[]): Promise<Map<string, Found>> {
  const rows = await batch.tx.rows<Found & { key: string }>(sql`
    SELECT source_key AS key, party_id AS "partyId", golden_id AS "goldenId",
      organisation_path AS "organisationPath", manager, state
    FROM party
    WHERE source = ${batch.source} AND source_key = ANY(${[...new Set(keys)]}::text[])
      AND ${scopeFilter(batch.scope, { path: 'organisation_path', manager: 'manager' })}
    ORDER BY party_id FOR NO KEY UPDATE`);
  return new Map(rows.map((row) => [row.key, row]));
}
