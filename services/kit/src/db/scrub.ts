import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { logger } from '../runtime/index.js';

/** What is rewritten, and how long one table is waited for. */
export interface ScrubOptions {
  url: string;
  /** A table that is in use is tried again for so long, 10 minutes unless told. */
  patienceMs?: number;
}

/** Whoever waits for a table makes everybody behind it wait too, so that it gives up soon and tries again. */
const LOCK_MS = 500;
const PAUSE_MS = 1000;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Rewrites every table and partition of a service's database with its indexes, the small ones first, so that the bytes of
 * deleted and updated rows are in its files no more: DELETE and VACUUM only give their space free, and a page keeps what
 * stood there until something is written over it. Each table is closed to everybody else while it is rewritten, some
 * seconds for a gigabyte, and needs its own size in free space. Gives how many there were. The write-ahead log is the
 * database administrator's: see the runbook of the customer service.
 */
export async function scrubService({ url, patienceMs = 600_000 }: ScrubOptions): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`SET lock_timeout = ${LOCK_MS}`);
    const { rows } = await client.query<{ name: string; bytes: string }>(`
      SELECT format('%I.%I', n.nspname, c.relname) AS name, pg_total_relation_size(c.oid) AS bytes
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname IN ('public', 'kit') AND c.relkind IN ('r', 'm') AND pg_relation_size(c.oid) > 0
      ORDER BY 2, 1`);
    for (const { name, bytes } of rows) {
      for (const end = Date.now() + patienceMs; ; ) {
        try {
          await client.query(`VACUUM (FULL) ${name}`);
          break;
        } catch (error) {
          if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE || Date.now() > end) throw error;
          await sleep(PAUSE_MS);
        }
      }
      logger.info({ table: name, bytes: Number(bytes) }, 'a table was rewritten');
    }
    return rows.length;
  } finally {
    await client.end();
  }
}
