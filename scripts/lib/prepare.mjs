// What must be there before anything is started: compiled code, keys, databases.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { writeKeys } from './keys.mjs';
import { root } from './processes.mjs';
import { databaseUrl, keys, plainEnvironment, services } from './suite.mjs';

const bin = (name) => path.join(root, 'node_modules/.bin', name);

/** Runs a program to its end; its output is shown only when it fails, as part of the error. */
export function run(file, args, { cwd = root, env = process.env, onLine } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output.push(chunk);
        onLine?.(chunk.toString());
      });
    }
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) return resolve(Buffer.concat(output).toString());
      const what = [path.basename(file), ...args].join(' ');
      return reject(new Error(`${what} failed (${code})\n${Buffer.concat(output).toString().trim()}`));
    });
  });
}

const newest = (pattern, cwd) =>
  Math.max(
    0,
    ...globSync(pattern, { cwd, exclude: (name) => /(^|\/)(node_modules|dist)$/.test(name) }).map(
      (file) => statSync(path.join(cwd, file)).mtimeMs,
    ),
  );
const changed = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);

/** Makes the database clients, compiles the services and bundles the console, each only when its sources changed. */
export async function build({ say }) {
  await run(process.execPath, [path.join(root, 'scripts/prisma/generate.mjs')]);
  say('compiling');
  const projects = [...services, 'gateway', 'cli'].map((name) => path.join('services', name));
  await run(bin('tsc'), ['-b', ...projects]);
  const missing = [...services, 'gateway'].filter(
    (name) => !existsSync(path.join(root, 'services', name, 'dist/main.js')),
  );
  if (missing.length > 0)
    throw new Error(`no dist/main.js was compiled for ${missing.join(', ')}: is src/main.ts there?`);
  const site = path.join(root, 'services/console');
  if (newest('{src/**/*,index.html,public/**/*,vite.config.*}', site) > changed(path.join(site, 'dist/index.html'))) {
    say('bundling the console');
    await run(bin('vite'), ['build', '--logLevel', 'warn'], { cwd: site });
  }
}

/** A secret of this machine, made at its first use. */
export function secret(name, make = () => randomBytes(18).toString('base64url')) {
  const file = path.join(keys, name);
  if (!existsSync(file)) writeFileSync(file, `${make()}\n`, { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/** The demo users' password: the wished one, which is kept to be shown, else one made at the first use. */
function demoPassword() {
  const wished = process.env.RAPPORT_DEMO_PASSWORD;
  if (wished) writeFileSync(path.join(keys, 'demo-password'), `${wished}\n`, { mode: 0o600 });
  return wished || secret('demo-password', () => `demo-${randomBytes(4).toString('hex')}`);
}

/** Makes the keys and passwords that are missing. Returns `{ superuser, databases, demo }`, the passwords. */
export function prepareKeys() {
  writeKeys(keys);
  secret('session-key', () => randomBytes(32).toString('base64'));
  return {
    superuser: secret('postgres-password'),
    databases: Object.fromEntries(services.map((service) => [service, secret(`database-${service}`)])),
    demo: demoPassword(),
  };
}

/** The demo users of the embedded sign-in, made again when their password or bank was changed. */
export async function prepareDemoUsers(password) {
  const file = path.join(keys, 'demo-users.json');
  const bank = process.env.RAPPORT_DEMO_ORGANISATION || '/demo';
  const mark = `${bank} ${password}`;
  if (existsSync(file) && secret('demo-users-made', () => '') === mark) return;
  const main = path.join(root, 'services/gateway/dist/main.js');
  const env = { ...plainEnvironment(), DEMO_PASSWORD: password, DEMO_ORGANISATION_PATH: bank };
  await run(process.execPath, [main, 'demo-users', file], { env });
  writeFileSync(path.join(keys, 'demo-users-made'), `${mark}\n`, { mode: 0o600 });
}

/** Makes the role and database of each service, when missing; a role is never a superuser and owns only its database. */
export async function prepareDatabases({ superuserUrl, passwords }) {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    for (const service of services) {
      const name = `rapport_${service}`;
      const attributes = `LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD ${client.escapeLiteral(passwords[service])}`;
      const role = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name]);
      await client.query(`${role.rowCount ? 'ALTER' : 'CREATE'} ROLE ${name} ${attributes}`);
      const database = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
      if (!database.rowCount) {
        await client.query(`CREATE DATABASE ${name} OWNER ${name}`);
        await client.query(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`);
      }
    }
  } finally {
    await client.end();
  }
}

/** Applies the migrations of every service, as the service itself does in a cluster (`main.js migrate`). */
export async function migrate({ ports, passwords, environment }) {
  await Promise.all(
    services.map((service) => {
      const cwd = path.join(root, 'services', service);
      const env = {
        ...environment(service, ports, passwords[service]),
        DATABASE_URL: databaseUrl(service, ports, passwords[service]),
      };
      return run(process.execPath, ['dist/main.js', 'migrate'], { cwd, env });
    }),
  );
}
