import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { testRun } from './run.js';

/** A database of one test file, with the migrations of kit and of its service applied. */
export interface TestDatabase {
  /** As the service's own role `rapport_<service>`, which is no superuser and owns the database. */
  url: string;
  /** The same database as superuser, for tests that tamper with what the service must not reach. */
  superuserUrl: string;
  name: string;
  /** Removes the database, whoever is connected. Idempotent. */
  drop(): Promise<void>;
}

/** Any number that nobody else locks: one template is built at a time, whichever worker comes first. */
const TEMPLATE_LOCK = 7_266_778_01;

async function asSuperuser<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: addressOf(database) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function addressOf(database: string, role = 'postgres'): string {
  const address = new URL(testRun().postgres.url);
  address.username = role;
  address.pathname = `/${database}`;
  return address.href;
}

function migrationFolders(service: string): string[] {
  const services = path.join(testRun().root, 'services');
  const own = path.join(services, service, 'prisma/migrations');
  return [path.join(services, 'kit/migrations'), own].filter((folder) => existsSync(folder));
}

/** The name of the template for what the migrations say now. */
function templateName(service: string): string {
  const hash = createHash('sha256');
  for (const folder of migrationFolders(service)) {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.sql'));
    for (const file of files.sort()) hash.update(file).update(readFileSync(path.join(folder, file)));
  }
  return `template_${service}_${hash.digest('hex').slice(0, 12)}`;
}

interface Migrations {
  migrateService(options: { url: string; dir?: string }): Promise<unknown>;
}

/** Applies kit's migrations and the service's, as the service's role. */
async function migrate(service: string, url: string): Promise<void> {
  const { root } = testRun();
  if (!existsSync(path.join(root, 'services/kit/src/db/index.ts'))) return;
  // The name is no literal so that the compiler sees no reference from the test kit to kit, whose tests use the test kit.
  const door: string = '@rapport/kit/db';
  const { migrateService } = (await import(door)) as Migrations;
  const dir = path.join(root, 'services', service, 'prisma/migrations');
  await migrateService(existsSync(dir) ? { url, dir } : { url });
}

/** Builds the template of a service once per run; later calls, from any worker, find it. */
async function template(service: string, role: string): Promise<string> {
  const name = templateName(service);
  await asSuperuser('postgres', async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount) return;
    const known = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
    if (!known.rowCount)
      await client.query(`CREATE ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS`);
    const making = `${name}_making`;
    await client.query(`DROP DATABASE IF EXISTS ${making} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${making} OWNER ${role}`);
    await migrate(service, addressOf(making, role));
    await client.query(`ALTER DATABASE ${making} RENAME TO ${name}`);
  });
  return name;
}

/**
 * A fresh database for one test file, cloned from a template in which the migrations of kit and of `service` are
 * applied (`'kit'` alone has only kit's). Each call makes another one; call `drop()` in `afterAll`.
 */
export async function testDatabase(service: string): Promise<TestDatabase> {
  if (!/^[a-z]+$/.test(service)) throw new Error(`no service is called ${service}`);
  const role = `rapport_${service}`;
  const source = await template(service, role);
  const name = `test_${service}_${randomBytes(6).toString('hex')}`;
  await asSuperuser('postgres', (client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${source} OWNER ${role}`));
  return {
    name,
    url: addressOf(name, role),
    superuserUrl: addressOf(name),
    drop: async () => {
      await asSuperuser('postgres', (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}
