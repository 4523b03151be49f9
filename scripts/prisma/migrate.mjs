// Authors and checks the migrations of services from their Prisma schemas.
//
//   node scripts/prisma/migrate.mjs create <service> <name>           writes what the schema has and the migrations lack
//   node scripts/prisma/migrate.mjs create <service> <name> --empty   writes an empty migration, for SQL by hand
//   node scripts/prisma/migrate.mjs check [<service> …]               exits with 1 when a schema and its migrations differ
//
// Policies, functions and partitions are not in the schema: add them to the written migration.sql by hand before it is
// first applied; afterwards a migration is never edited. A line `-- migrate:no-transaction` lets a file run outside of
// a transaction (CREATE INDEX CONCURRENTLY, one statement per file). Kit's own migrations are SQL by hand.
// Runs on an embedded Postgres of its own, or on the one at DATABASE_URL, where it needs the right to make databases.
// Applying is the service's own task: `node dist/main.js migrate`.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startPostgres } from '../lib/postgres.mjs';
import { LOCK, openEngine, readMigrations } from './engine.mjs';
import { migrationsOf, schemaOf, servicesWithSchema } from './services.mjs';

const filters = { externalTables: [], externalEnums: [] };

async function withPostgres(work) {
  if (process.env.DATABASE_URL) return work(process.env.DATABASE_URL);
  const dir = mkdtempSync(path.join(tmpdir(), 'rapport-prisma-'));
  chmodSync(dir, 0o711); // Postgres runs as another user and must reach its data below
  const server = await startPostgres({ dir: path.join(dir, 'data'), sync: false });
  try {
    return await work(server.url);
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function withEngine(service, url, work) {
  const schema = { path: schemaOf(service), content: await readFile(schemaOf(service), 'utf8') };
  const engine = await openEngine(url, schema);
  try {
    return await work(engine, { files: [schema] }, await readMigrations(migrationsOf(service)));
  } finally {
    engine.free();
  }
}

async function write(service, folder, script) {
  const dir = migrationsOf(service);
  await mkdir(path.join(dir, folder), { recursive: true });
  await writeFile(path.join(dir, folder, 'migration.sql'), script);
  await writeFile(path.join(dir, 'migration_lock.toml'), LOCK);
  console.log(`wrote ${path.relative(process.cwd(), path.join(dir, folder, 'migration.sql'))}`);
}

/** What the schema has and the migrations lack, as SQL; undefined when they agree. */
function difference(service, url) {
  return withEngine(service, url, async (engine, schema, migrations) => {
    const { exitCode, stdout } = await engine.diff({
      from: { tag: 'migrations', ...migrations },
      to: { tag: 'schemaDatamodel', ...schema },
      script: true,
      exitCode: true,
      shadowDatabaseUrl: null,
      filters,
    });
    return exitCode === 0 ? undefined : (stdout ?? '');
  });
}

async function create(service, name, { empty }) {
  if (!/^[a-z][a-z0-9_]*$/.test(name ?? '')) throw new Error('name the migration in lower_snake_case');
  const script = empty ? '' : await withPostgres((url) => difference(service, url));
  if (script === undefined) return console.log(`prisma ${service}: the migrations have all that the schema has`);
  const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  return write(service, `${stamp}_${name}`, script);
}

async function check(services) {
  await withPostgres(async (url) => {
    for (const service of services) {
      const lacking = await difference(service, url);
      if (lacking === undefined) {
        console.log(`prisma ${service}: schema and migrations agree`);
        continue;
      }
      process.exitCode = 1;
      console.error(`prisma ${service}: the migrations lack\n${lacking}`);
    }
  });
}

const [command, ...args] = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith('--'));
try {
  if (command === 'create' && names.length === 2) await create(names[0], names[1], { empty: args.includes('--empty') });
  else if (command === 'check') await check(names.length > 0 ? names : servicesWithSchema());
  else throw new Error('usage: migrate.mjs create <service> <name> [--empty] | migrate.mjs check [<service> …]');
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
