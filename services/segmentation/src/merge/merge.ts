import { type Queryable, sql, type Tx } from '@rapport/kit/db';

/** A party and the golden record that it answers as from a moment on; its own id after an unmerge. */
export interface Alias {
  party: string;
  golden: string;
  time: Date;
}

/** Keeps what merges and unmerges told. What is older than what is known changes nothing, so that order does not matter. */
export async function keepAliases(tx: Tx, aliases: readonly Alias[]): Promise<void> {
  if (aliases.length === 0) return;
  const newest = new Map<string, Alias>();
  for (const alias of aliases) {
    const known = newest.get(alias.party);
    if (!known || known.time <= alias.time) newest.set(alias.party, alias);
  }
  const rows = [...newest.values()].sort((a, b) => (a.party < b.party ? -1 : 1));
  await tx.run(sql`
    INSERT INTO party_alias AS a (party_id, golden_id, merge_time)
    SELECT * FROM unnest(${rows.map(({ party }) => party)}::uuid[], ${rows.map(({ golden }) => golden)}::uuid[],
      ${rows.map(({ time }) => time)}::timestamptz[])
    ON CONFLICT (party_id) DO UPDATE SET golden_id = excluded.golden_id, merge_time = excluded.merge_time
    WHERE a.merge_time < excluded.merge_time`);
}

/** The golden records of parties, by party; a party that was never merged is its own. */
export async function goldenOf(on: Queryable, parties: readonly string[]): Promise<Map<string, string>> {
  const rows = await on.rows<{ party: string; golden: string }>(sql`
    SELECT party_id AS party, golden_id AS golden FROM party_alias WHERE party_id = ANY(${[...parties]}::uuid[])`);
  const found = new Map(rows.map(({ party, golden }) => [party, golden]));
  return new Map(parties.map((party) => [party, found.get(party) ?? party]));
}

/** Whether any party is merged into another now: where none is, rules are spared the look. */
export async function anyMerged(on: Queryable): Promise<boolean> {
  const { any } = await on.one<{ any: boolean }>(sql`
    SELECT EXISTS (SELECT FROM party_alias WHERE golden_id <> party_id) AS any`);
  return any;
}
