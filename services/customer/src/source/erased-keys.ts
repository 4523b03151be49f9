import type { FieldCipher } from '@rapport/kit/crypto';
import { type Queryable, sql, type Tx } from '@rapport/kit/db';

interface Keyed {
  source: string;
  sourceKey: string;
}

/** What is kept of a key once its party is erased. */
export function erasedDigest(cipher: FieldCipher, { source, sourceKey }: Keyed): Buffer {
  return cipher.index(`${source}\0${sourceKey}`, 'erased key');
}

/**
 * Keeps what must not come back unnoticed: every key under which a source knows the parties, which are about to be erased.
 * Of where they stood only the bank is kept. Safe to repeat.
 */
export async function keepErasedKeys(
  tx: Tx,
  cipher: FieldCipher,
  members: readonly string[],
  now: Date,
): Promise<void> {
  const keys = await tx.rows<Keyed & { bank: string }>(sql`
    SELECT DISTINCT k.source, k.source_key AS "sourceKey", '/' || split_part(p.organisation_path, '/', 2) AS bank
    FROM (
      SELECT party_id, source, source_key FROM party WHERE party_id = ANY(${[...members]}::uuid[])
      UNION SELECT party_id, source, source_key FROM source_record WHERE party_id = ANY(${[...members]}::uuid[])
    ) k JOIN party p ON p.party_id = k.party_id
    WHERE k.source IS NOT NULL AND k.source_key IS NOT NULL AND k.source_key <> p.party_id::text`);
  await tx.run(sql`
    INSERT INTO erased_key (digest, organisation_path, erase_time)
    SELECT digest, bank, ${now}::timestamptz
    FROM unnest(${keys.map((key) => erasedDigest(cipher, key))}::bytea[], ${keys.map(({ bank }) => bank)}::text[])
      AS k (digest, bank)
    ON CONFLICT (digest) DO UPDATE SET erase_time = excluded.erase_time`);
}

/** Which of the keys of a source were erased. */
export async function erasedAmong(
  on: Queryable,
  cipher: FieldCipher,
  source: string,
  sourceKeys: readonly string[],
): Promise<Set<string>> {
  if (sourceKeys.length === 0) return new Set();
  const byDigest = new Map(
    sourceKeys.map((sourceKey) => [erasedDigest(cipher, { source, sourceKey }).toString('hex'), sourceKey]),
  );
  const rows = await on.rows<{ digest: Buffer }>(sql`
    SELECT digest FROM erased_key
    WHERE digest = ANY(${[...byDigest.keys()].map((hex) => Buffer.from(hex, 'hex'))}::bytea[])`);
  return new Set(rows.map(({ digest }) => byDigest.get(digest.toString('hex')) as string));
}
