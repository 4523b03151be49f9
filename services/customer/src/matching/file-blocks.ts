import type { FieldCipher } from '@rapport/kit/crypto';
import type { Database } from '@rapport/kit/db';
import { type Blocks, blockLimit, collectBlocks, pairBudget } from './blocks.js';
import { keyHash } from './matching.js';

/** Blocking keys of the records of one file, in a table that ends with its connection, however that ends. */
export interface FileBlocks {
  add(record: number, keys: readonly string[]): Promise<void>;
  /** Puts together the records that share a key. Call once, at the end. */
  blocks(records: number): Promise<Blocks>;
  /** Drops the table and gives the connection back. Idempotent. */
  end(): Promise<void>;
}

const ROWS = 100_000;
const BLOCKS = 20_000;

/**
 * Opens a temporary table of blocking keys on a connection of its own. The profiles themselves stay in memory; the table
 * holds keyed hashes and numbers only. A transaction that is never committed keeps it from outliving the call.
 */
export async function openFileBlocks(db: Database, cipher: FieldCipher): Promise<FileBlocks> {
  const client = await db.pool.connect();
  let ended = false;
  let hashes: bigint[] = [];
  let records: number[] = [];

  async function flush(): Promise<void> {
    if (hashes.length === 0) return;
    const values = [`{${hashes.join()}}`, `{${records.join()}}`];
    hashes = [];
    records = [];
    await client.query('INSERT INTO file_key SELECT * FROM unnest($1::bigint[], $2::int[])', values);
  }

  async function end(): Promise<void> {
    if (ended) return;
    ended = true;
    await client.query('ROLLBACK').then(
      () => client.release(),
      (error: Error) => client.release(error),
    );
  }

  try {
    // Reading a large file takes longer than any ordinary statement or transaction may.
    await client.query(`BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL transaction_timeout = 0;
      SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL work_mem = '128MB';
      CREATE TEMP TABLE file_key (key bigint NOT NULL, record int NOT NULL) ON COMMIT DROP`);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    async add(record, keys) {
      for (const key of keys) {
        hashes.push(keyHash(cipher, key));
        records.push(record);
      }
      if (hashes.length >= ROWS) await flush();
    },
    async blocks(count) {
      await flush();
      await client.query('ANALYZE file_key');
      const { rows: sizes } = await client.query<{ size: number; blocks: number }>(`
        SELECT size, count(*)::int AS blocks FROM (SELECT count(*)::int AS size FROM file_key GROUP BY key) AS b
        WHERE size > 1 GROUP BY size ORDER BY size`);
      const limit = blockLimit(new Map(sizes.map(({ size, blocks }) => [size, blocks])), pairBudget(count));
      const collected = collectBlocks(count);
      await client.query(
        `DECLARE shared_keys CURSOR FOR SELECT array_agg(record ORDER BY record) AS members FROM file_key GROUP BY key
          HAVING count(*) BETWEEN 2 AND ${limit}`,
      );
      for (;;) {
        const { rows } = await client.query<{ members: number[] }>(`FETCH ${BLOCKS} FROM shared_keys`);
        for (const { members } of rows) collected.add(members);
        if (rows.length < BLOCKS) break;
      }
      const over = sizes.filter(({ size }) => size > limit);
      return collected.done({
        blocks: over.reduce((sum, { blocks }) => sum + blocks, 0),
        largest: Math.max(0, ...over.map(({ size }) => size)),
      });
    },
    end,
  };
}
