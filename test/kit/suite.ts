import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TokenClaims } from './identity.js';
import { loadScript, testRun } from './run.js';

export const suiteServices = ['customer', 'segmentation', 'marketing', 'cases', 'performance', 'reporting'] as const;
export type SuiteService = (typeof suiteServices)[number];

/** The whole suite as `scripts/up` runs it: every service a process of its own, restarted by its supervisor. */
export interface TestSuite {
  /** The folder with its data, keys and logs. */
  data: string;
  /** host:port of a service's gRPC server. */
  grpc(service: SuiteService): string;
  /** Base address of a service's `/readyz` and `/metrics`. */
  ops(service: SuiteService | 'gateway'): string;
  /** Base address of the mailbox's listing. */
  mailbox: string;
  nats: string;
  /** A service's database as superuser. */
  database(service: SuiteService): string;
  /** A bearer token that the suite's services trust. */
  token(wish: TokenClaims): string;
  /** A bearer token by the private key in a file, whoever's it is. */
  tokenBy(keyFile: string, wish: Omit<TokenClaims, 'signedBy'>): string;
  /** What a process has logged so far. */
  log(name: string): string;
  /** What the supervisor has said so far: `customer ended …; starting it again …`. */
  said(): string;
  /** The names of all logs. */
  logs(): string[];
  /** Kills a process at once (SIGKILL; Postgres: immediate stop) and returns its id; the supervisor starts it again. */
  kill(name: SuiteService | 'nats' | 'postgres'): number;
  /** Waits until the process is another than `pid` and, for a service, ready. */
  returned(name: SuiteService | 'nats' | 'postgres', pid: number): Promise<void>;
  /** Waits until every service says that it is ready. */
  ready(): Promise<void>;
  /** Runs the operator's command line; its standard output. Throws when it fails. */
  rapport(args: string[], limitMs?: number): Promise<string>;
  /** Stops everything. Idempotent. */
  stop(): Promise<void>;
}

interface State {
  ready?: boolean;
  supervisor?: { pid: number };
  ports: Record<string, number>;
  processes: Record<string, { pid: number; birth: string }>;
  services: Record<string, { grpc: string; ops: string }>;
  gateway: { ops: string };
  mailbox: { http: string };
  nats: { url: string };
}
interface Processes {
  isPortFree(port: number): Promise<boolean>;
  processBirth(pid: number): string;
  isRunning(record: { pid: number; birth: string }): boolean;
}
interface Keys {
  signToken(keyFile: string, claims: Record<string, unknown>, lifetimeSeconds?: number): string;
}

const START_MS = 150_000;
/** How many ports from its base a suite may use. */
const PORTS = 70;

/** The first of enough free ports in a row, below those that the system gives to clients. */
async function freeBase(): Promise<number> {
  const { isPortFree } = loadScript<Processes>('processes');
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 120) * 100;
    const free = await Promise.all(Array.from({ length: PORTS }, (_, offset) => isPortFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
}

/**
 * Starts the whole suite (about ten seconds on two cores) with empty data; call `stop()` in `afterAll`. `environment`
 * reaches the services where `scripts/up` passes it on, such as `OTEL_*` and `LOG_LEVEL`.
 */
export async function testSuite(name: string, environment: NodeJS.ProcessEnv = {}): Promise<TestSuite> {
  const { root, dir, natsServer } = testRun();
  const { isRunning, processBirth } = loadScript<Processes>('processes');
  const data = path.join(dir, `suite-${name}`);
  mkdirSync(data, { recursive: true, mode: 0o711 });
  const env = {
    ...process.env,
    PATH: `${path.join(root, 'node_modules/.bin')}:${process.env['PATH']}`,
    RAPPORT_DATA: data,
    RAPPORT_PORT_BASE: String(await freeBase()),
    RAPPORT_NATS_SERVER: natsServer,
    ...environment,
  };
  const said = path.join(data, 'up.log');
  const output = openSync(said, 'a');
  const child: ChildProcess = spawn(process.execPath, [path.join(root, 'scripts/up.mjs'), '--supervise', '--no-seed'], {
    cwd: root,
    env,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const supervisor = { pid: child.pid as number, birth: processBirth(child.pid as number) };
  const record = path.join(dir, `suite-${name}.process.json`);
  writeFileSync(record, JSON.stringify({ ...supervisor, signal: 'SIGTERM' }));

  const stateFile = path.join(data, 'state.json');
  const state = (): State => JSON.parse(readFileSync(stateFile, 'utf8')) as State;
  const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  const logs = path.join(data, 'log');

  async function until(check: () => boolean | Promise<boolean>, what: string, limitMs: number): Promise<void> {
    const end = Date.now() + limitMs;
    while (!(await check())) {
      if (!isRunning(supervisor)) throw new Error(`the suite ended while waiting for ${what}:\n${read(said)}`);
      if (Date.now() > end) throw new Error(`no ${what} after ${limitMs / 1000} s:\n${read(said)}`);
      await sleep(100);
    }
  }
  const answers = async (url: string): Promise<boolean> => {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    return response?.ok ?? false;
  };
  const pidOf = (unit: string): number => (state().processes[unit] as { pid: number }).pid;

  await until(() => existsSync(stateFile) && state().ready === true, 'ready suite', START_MS);
  const fixed = state();
  const ops = (service: SuiteService | 'gateway'): string =>
    service === 'gateway' ? fixed.gateway.ops : (fixed.services[service] as { ops: string }).ops;
  const { signToken } = loadScript<Keys>('keys');
  const tokenBy: TestSuite['tokenBy'] = (keyFile, { sub = 'staff/tester', roles, orgPath = '/', ...wish }) => {
    const claims = { sub, roles, org_path: orgPath, typ: wish.typ ?? 'staff', ...wish.claims };
    return signToken(keyFile, claims, wish.lifetimeSeconds);
  };

  return {
    data,
    grpc: (service) => (fixed.services[service] as { grpc: string }).grpc,
    ops,
    mailbox: fixed.mailbox.http,
    nats: fixed.nats.url,
    database: (service) => {
      const password = encodeURIComponent(read(path.join(data, 'keys/postgres-password')).trim());
      return `postgresql://postgres:${password}@127.0.0.1:${fixed.ports['postgres']}/rapport_${service}`;
    },
    token: ({ signedBy = 'gateway', ...wish }) => tokenBy(path.join(data, `keys/${signedBy}.jwk.json`), wish),
    tokenBy,
    log: (unit) => read(path.join(logs, `${unit}.log`)),
    said: () => read(said),
    logs: () => readdirSync(logs).map((file) => path.basename(file, '.log')),
    kill: (unit) => {
      const pid = pidOf(unit);
      process.kill(pid, unit === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
      return pid;
    },
    returned: async (unit, pid) => {
      await until(() => pidOf(unit) !== pid, `${unit} after its end`, 60_000);
      if (unit !== 'nats' && unit !== 'postgres') await until(() => answers(ops(unit)), `ready ${unit}`, 60_000);
    },
    ready: () =>
      until(
        async () => (await Promise.all(suiteServices.map((service) => answers(ops(service))))).every(Boolean),
        'ready services',
        60_000,
      ),
    rapport: (args, limitMs = 240_000) => runCli(path.join(root, 'services/cli/bin/rapport.js'), args, data, limitMs),
    stop: async () => {
      if (!isRunning(supervisor)) return;
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}

/** Runs the command line against the suite in `data`, ended after `limitMs`. */
function runCli(program: string, args: string[], data: string, limitMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: data,
      env: { PATH: process.env['PATH'], RAPPORT_STATE: path.join(data, 'state.json') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(Buffer.concat(output).toString());
      else reject(new Error(`rapport ${args.join(' ')} ended with ${signal ?? code}\n${Buffer.concat(errors)}`));
    });
  });
}
