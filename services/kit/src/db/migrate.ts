import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';

/** What to migrate. `dir` holds one folder per migration, each with a migration.sql, as Prisma lays them out. */
export interface MigrateOptions {
  url: string;
  dir: string;
  /** The schema that keeps the record of what was applied; it is created when absent. 'public' unless told. */
  schema?: string;
}

/** The lock that Prisma's own engine takes, so that it and this never migrate at once. */
const LOCK = 72_707_369;

/** Kit's own migrations lie beside its sources and beside its compiled form alike. */
const KIT_MIGRATIONS = path.join(__dirname, '../../migrations');

interface Applied {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
}

interface Book {
  /** The quoted name of the table that keeps the record. */
  table: string;
  prepare: string[];
}

function columns(table: string): string {
  return `CREATE TABLE IF NOT EXISTS ${table} (
    id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
    migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`;
}

function book(schema: string, name: string): Book {
  const quoted = pg.escapeIdentifier(schema);
  const table = `${quoted}.${pg.escapeIdentifier(name)}`;
  return { table, prepare: [`CREATE SCHEMA IF NOT EXISTS ${quoted}`, columns(table)] };
}

async function foldersOf(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

async function applyOne(
  client: pg.Client,
  { table }: Book,
  name: string,
  text: string,
  checksum: string,
): Promise<void> {
  // CREATE INDEX CONCURRENTLY and the like refuse a transaction; such a file holds one statement.
  const outside = /^\s*--\s*migrate:no-transaction/m.test(text);
  const record = `INSERT INTO ${table} (id, checksum, migration_name, finished_at, applied_steps_count)
    VALUES ($1, $2, $3, now(), 1)`;
  if (!outside) await client.query('BEGIN');
  try {
    await client.query(text);
    await client.query(record, [randomUUID(), checksum, name]);
    if (!outside) await client.query('COMMIT');
  } catch (error) {
    if (!outside) await client.query('ROLLBACK');
    throw new Error(`migration ${name} failed: ${(error as Error).message}`, { cause: error });
  }
}

async function applyAll(client: pg.Client, dir: string, kept: Book): Promise<string[]> {
  for (const statement of kept.prepare) await client.query(statement);
  const { rows } = await client.query<Applied>(
    `SELECT migration_name, checksum, finished_at FROM ${kept.table} WHERE rolled_back_at IS NULL`,
  );
  const failed = rows.filter((row) => row.finished_at === null).map((row) => row.migration_name);
  if (failed.length > 0) throw new Error(`recorded as failed: ${failed.join(', ')}`);
  const checksums = new Map(rows.map((row) => [row.migration_name, row.checksum]));
  const names = await foldersOf(dir);
  const missing = [...checksums.keys()].filter((name) => !names.includes(name));
  if (missing.length > 0) throw new Error(`applied but not in ${dir}: ${missing.join(', ')}`);
  const applied: string[] = [];
  for (const name of names) {
    const text = await readFile(path.join(dir, name, 'migration.sql'), 'utf8');
    const checksum = createHash('sha256').update(text).digest('hex');
    const before = checksums.get(name);
    if (before === checksum) continue;
    if (before !== undefined) throw new Error(`migration ${name} was edited after it was applied`);
    await applyOne(client, kept, name, text, checksum);
    applied.push(name);
  }
  return applied;
}

/** One session under the migration lock; others wait for it. */
async function locked<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'rapport-migrate',
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    return await work(client);
  } finally {
    await client.end();
  }
}

/**
 * Applies the migrations that are not yet applied, in the order of their names, each in a transaction with its record
 * (a file with the line `-- migrate:no-transaction` runs outside of one). Gives the names applied. The record is kept
 * as Prisma keeps it. Refuses a migration that was edited after it was applied, and one that was applied and is gone.
 */
export async function migrate({ url, dir, schema = 'public' }: MigrateOptions): Promise<string[]> {
  return locked(url, (client) => applyAll(client, dir, book(schema, '_prisma_migrations')));
}

/** Applies kit's migrations (schema `kit`, record in `kit.migrations`) and then the service's. Gives the names applied;
 * applying twice changes nothing. */
export async function migrateService({ url, dir }: { url: string; dir?: string }): Promise<string[]> {
  return locked(url, async (client) => {
    const kits = await applyAll(client, KIT_MIGRATIONS, book('kit', 'migrations'));
    if (dir === undefined) return kits;
    return [...kits, ...(await applyAll(client, dir, book('public', '_prisma_migrations')))];
  });
}
