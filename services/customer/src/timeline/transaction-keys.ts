import { copyWriter, sql, type Tx } from '@rapport/kit/db';

/** A key under which a source knows a transaction. */
export interface TransactionKey {
  sourceKey: string;
  /** Digest of what the row says; 0 for what did not come from an import. */
  content: bigint;
}

const UNIQUE_VIOLATION = '23505';
const writer = copyWriter();

function inOrder(keys: readonly TransactionKey[]): TransactionKey[] {
  // As the index has it, so that neighbours are written together and two imports wait for each other in one order.
  return keys.toSorted((a, b) => (a.sourceKey < b.sourceKey ? -1 : a.sourceKey > b.sourceKey ? 1 : 0));
}

/** Claims different keys, all or none; tells whether all were free. */
export async function claimFreshKeys(tx: Tx, source: string, keys: readonly TransactionKey[]): Promise<boolean> {
  for (const { sourceKey, content } of inOrder(keys)) {
    writer.row(3);
    writer.text(source);
    writer.text(sourceKey);
    writer.int8(content);
  }
  const bytes = writer.finish();
  await tx.run(sql`SAVEPOINT keys`);
  try {
    await tx.copy(sql`transaction_key (source, source_key, content)`, bytes);
    await tx.run(sql`RELEASE SAVEPOINT keys`);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
    await tx.run(sql`ROLLBACK TO SAVEPOINT keys`);
    return false;
  }
}

/** Claims different keys; gives those that were free. A taken one changes nothing. */
export async function claimKeysOfTransactions(
  tx: Tx,
  source: string,
  keys: readonly TransactionKey[],
): Promise<Set<string>> {
  const sorted = inOrder(keys);
  const made = await tx.rows<{ key: string }>(sql`
    INSERT INTO transaction_key (source, source_key, content)
    SELECT ${source}, * FROM unnest(${sorted.map(({ sourceKey }) => sourceKey)}::text[],
      ${sorted.map(({ content }) => content)}::bigint[])
    ON CONFLICT DO NOTHING RETURNING source_key AS key`);
  return new Set(made.map(({ key }) => key));
}

/** The digests of taken keys. */
export async function contentOfKeys(
  tx: Tx,
  source: string,
  sourceKeys: readonly string[],
): Promise<Map<string, bigint>> {
  const known = await tx.rows<{ key: string; content: bigint }>(sql`
    SELECT source_key AS key, content FROM transaction_key
    WHERE source = ${source} AND source_key = ANY(${sourceKeys}::text[])`);
  return new Map(known.map(({ key, content }) => [key, content]));
}
