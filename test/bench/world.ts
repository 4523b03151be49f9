import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { OperationsServiceService } from '@rapport/proto/operations/v1';
import pg from 'pg';
import type { Say } from './figure.js';
import { root, run, script } from './scripts.js';

/** The customer service and a bare server on one Postgres, each a process of its own. */
export interface World {
  /** host:port of the service. */
  customer: string;
  /** host:port of the bare server. */
  bare: string;
  /** The service's database as superuser, whom row security lets pass. */
  database: pg.Pool;
  /** The same address, and the file of the key that wraps the keys of parties: for seeding as the service would write. */
  databaseUrl: string;
  keyEncryptionKeyFile: string;
  /** A token of an employee who may read every customer of the bank `/bench`. */
  reader: string;
  /** A token of an operator, who may import. */
  operator: string;
  /** A token of another employee, of a part of the bank. */
  tokenOf(subject: string, roles: string[], organisationPath: string): string;
  /** The private key that signs for operators. */
  operatorKey: string;
  /** The pids of the service and of the Postgres server, whose children do its work. */
  processes: { customer: number; postgres: number };
  /** Waits until all events are applied and the audit chain is closed, work that would count against a measurement. */
  rest(): Promise<void>;
  stop(): Promise<void>;
}

const ROLE = 'rapport_customer';
const PASSWORD = 'bench';

/** Starts a Node program; its output goes to a log file. */
function start(
  name: string,
  dir: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): ChildProcess {
  const log = openSync(path.join(dir, `${name}.log`), 'a');
  const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(late);
}

async function untilReady(url: string, child: ChildProcess, log: string): Promise<void> {
  const end = Date.now() + 60_000;
  while (Date.now() < end && child.exitCode === null) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error(`not ready: ${readFileSync(log, 'utf8').split('\n').slice(-10).join('\n')}`);
}

async function prepareDatabase(superuserUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query(`CREATE ROLE ${ROLE} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '${PASSWORD}'`);
    await client.query(`CREATE DATABASE ${ROLE} OWNER ${ROLE}`);
  } finally {
    await client.end();
  }
}

async function untilRest(database: pg.Pool, eventsWaiting: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 600_000;
  while (Date.now() < end) {
    const { rows } = await database.query<{ busy: boolean }>(`
      SELECT EXISTS (SELECT FROM kit.outbox o WHERE NOT EXISTS (
          SELECT FROM kit.relay_cursor c WHERE (o.xid, o.id) <= (c.xid, c.id)))
        OR EXISTS (SELECT FROM kit.audit WHERE chain_seq IS NULL) AS busy`);
    if (rows[0]?.busy === false && !(await eventsWaiting())) return;
    await sleep(200);
  }
  throw new Error('the service did not come to rest in ten minutes');
}

/** Whether the service's own consumers have events to apply. */
function areWaiting(address: string, token: string): Promise<boolean> {
  const { path: method, requestSerialize, responseDeserialize } = OperationsServiceService.getEventLag;
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return new Promise<boolean>((resolve, reject) => {
    const request = { name: 'services/customer' };
    client.makeUnaryRequest(method, requestSerialize, responseDeserialize, request, metadata, (error, answer) => {
      if (error) reject(error);
      else resolve((answer?.consumers ?? []).some(({ pending, unacknowledged }) => pending + unacknowledged > 0n));
    });
  }).finally(() => client.close());
}

/** Starts everything in a folder of its own, durable as in production, and stops it again when anything fails. */
export async function startWorld(say: Say): Promise<World> {
  const dir = mkdtempSync(path.join(tmpdir(), 'rapport-bench-'));
  // Postgres refuses to run as root and must reach its data as somebody else.
  chmodSync(dir, 0o711);
  const stops: (() => Promise<unknown>)[] = [];
  const end = async (): Promise<void> => {
    for (const one of stops.toReversed()) await one();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const [{ startPostgres }, { findNatsServer, startNats }, keys, { freePort }, suite] = await Promise.all([
      script('postgres'),
      script('nats'),
      script('keys'),
      script('processes'),
      script('suite'),
    ]);
    say('starting Postgres, NATS, the customer service and the bare server');
    const settings = { shared_buffers: '128MB', max_wal_size: '1GB' };
    const postgres = await startPostgres({
      dir: path.join(dir, 'postgres'),
      settings,
      log: path.join(dir, 'postgres.log'),
    });
    stops.push(postgres.stop);
    const nats = await startNats({ binary: findNatsServer({ say }), dir: path.join(dir, 'nats') });
    stops.push(nats.stop);
    await prepareDatabase(postgres.url);
    const keyDir = path.join(dir, 'keys');
    keys.writeKeys(keyDir);

    const [customerPort, opsPort, barePort] = [await freePort(), await freePort(), await freePort()];
    const cwd = path.join(root, 'services/customer');
    const env = {
      ...suite.plainEnvironment(),
      // Nothing that is measured calls another service.
      ...Object.fromEntries(suite.services.map((name) => [`${name.toUpperCase()}_ADDRESS`, '127.0.0.1:9'])),
      OTEL_SERVICE_NAME: 'rapport-customer',
      DATABASE_URL: `postgresql://${ROLE}:${PASSWORD}@127.0.0.1:${postgres.port}/${ROLE}`,
      NATS_URL: nats.url,
      GRPC_ADDRESS: `127.0.0.1:${customerPort}`,
      OPS_ADDRESS: `127.0.0.1:${opsPort}`,
      AUTH_JWKS_FILE: path.join(keyDir, 'jwks.json'),
      SERVICE_KEY_FILE: path.join(keyDir, 'customer.jwk.json'),
      KEY_ENCRYPTION_KEY_FILE: path.join(keyDir, 'key-encryption-key'),
      BANK_TIME_ZONE: 'Europe/Prague',
      BANK_COUNTRY: 'CZ',
      DRAIN_MS: '0',
    };
    await run(process.execPath, ['dist/main.js', 'migrate'], { cwd, env });
    const customer = start('customer', dir, [...suite.serviceArguments, 'dist/main.js'], { cwd, env });
    stops.push(() => stop(customer));

    const superuserUrl = postgres.url.replace(/\/postgres$/, `/${ROLE}`);
    const database = new pg.Pool({ connectionString: superuserUrl, max: 2 });
    database.on('error', () => undefined);
    stops.push(() => database.end());
    const bareEnv = { ...suite.plainEnvironment(), DATABASE_URL: superuserUrl, PORT: String(barePort) };
    const bare = start('bare', dir, [path.join(__dirname, 'bare-server.js')], { cwd: root, env: bareEnv });
    stops.push(() => stop(bare));
    await untilReady(`http://127.0.0.1:${opsPort}/readyz`, customer, path.join(dir, 'customer.log'));

    const token = (sub: string, roles: string[], organisationPath = '/bench') =>
      keys.signToken(
        path.join(keyDir, 'gateway.jwk.json'),
        { sub, roles, org_path: organisationPath, typ: 'staff' },
        3600,
      );
    const operator = token('staff/operator', ['operator']);
    return {
      customer: `127.0.0.1:${customerPort}`,
      bare: `127.0.0.1:${barePort}`,
      database,
      databaseUrl: superuserUrl,
      keyEncryptionKeyFile: path.join(keyDir, 'key-encryption-key'),
      reader: token('staff/reader', ['call_centre_agent']),
      tokenOf: token,
      operatorKey: path.join(keyDir, 'operator.jwk.json'),
      operator,
      processes: { customer: customer.pid as number, postgres: postgres.pid },
      rest: () => untilRest(database, () => areWaiting(`127.0.0.1:${customerPort}`, operator)),
      stop: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}
