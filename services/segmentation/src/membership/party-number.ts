import type { Analytics } from '@rapport/kit/analytics';
import { type Database, sql } from '@rapport/kit/db';
import { END_PARTY, FIRST_PARTY } from '../rule/rule.js';
import { partyRanges } from './party-range.js';

/** Parties without a number that are looked for at once; bounds the memory. */
const ROWS = 50_000;

/**
 * The numbers of parties, by party: dense, from 1, given to a party when it is first asked for and to no other ever.
 * Postgres gives them, because every process must give the same.
 */
async function numbersOf(db: Database, parties: readonly string[]): Promise<Map<string, number>> {
  if (parties.length === 0) return new Map();
  // In one order everywhere, so that no two processes wait for each other.
  const asked = [...new Set(parties)].sort();
  const known = () =>
    db.system.rows<{ party: string; number: number }>(sql`
      SELECT party_id AS party, number FROM party_number WHERE party_id = ANY(${asked}::uuid[])`);
  const rows = await known();
  if (rows.length < asked.length) {
    // Whoever is known is left out before, so that no number is used up in vain.
    const numbered = new Set(rows.map(({ party }) => party));
    const given = await db.system.rows<{ party: string; number: number }>(sql`
      INSERT INTO party_number (party_id) SELECT * FROM unnest(${asked.filter((one) => !numbered.has(one))}::uuid[])
      ON CONFLICT (party_id) DO NOTHING RETURNING party_id AS party, number`);
    rows.push(...given);
    // Somebody else has numbered some meanwhile.
    if (rows.length < asked.length) return new Map((await known()).map(({ party, number }) => [party, number]));
  }
  return new Map(rows.map(({ party, number }) => [party, number]));
}

/** Sets the numbers of parties in rows of the table `party`. */
export async function numberRows(db: Database, rows: readonly { party?: string; number?: number }[]): Promise<void> {
  const numbers = await numbersOf(
    db,
    rows.map(({ party = '' }) => party),
  );
  for (const row of rows) row.number = numbers.get(row.party ?? '') ?? 0;
}

/** Forgets the numbers of parties that were erased. */
export async function forgetNumbers(db: Database, parties: readonly string[]): Promise<void> {
  await db.system.run(sql`DELETE FROM party_number WHERE party_id = ANY(${[...parties]}::uuid[])`);
}

/**
 * Gives numbers to the parties whose row in ClickHouse has none: those of before there were numbers. The row is written
 * again with its number under the same version, and the later one of two alike wins.
 */
export async function numberParties({ db, analytics }: { db: Database; analytics: Analytics }): Promise<number> {
  const any = await analytics.query('SELECT 1 AS one FROM party WHERE number = 0 LIMIT 1');
  if (any.length === 0) return 0;
  let numbered = 0;
  for (const range of await partyRanges(analytics, ROWS)) {
    const rows = await analytics.query<{ party: string }>(
      `SELECT * REPLACE (toString(version) AS version) FROM party FINAL
        WHERE party >= {${FIRST_PARTY}:UUID} AND party < {${END_PARTY}:UUID} AND number = 0`,
      { ...range },
    );
    const numbers = await numbersOf(
      db,
      rows.map(({ party }) => party),
    );
    await analytics.insert(
      'party',
      rows.map((row) => ({ ...row, number: numbers.get(row.party) })),
    );
    numbered += rows.length;
  }
  return numbered;
}
