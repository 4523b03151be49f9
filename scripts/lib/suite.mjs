// The table of what runs on one machine: ports, environment, and the state file that up, down and the command line share.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort, isPortFree, root } from './processes.mjs';

/** The folder that holds everything of the running suite: RAPPORT_DATA, else `.data`. */
export const data = path.resolve(process.env.RAPPORT_DATA || path.join(root, '.data'));
export const keys = path.join(data, 'keys');
export const logs = path.join(data, 'log');
const stateFile = path.join(data, 'state.json');

/** The gRPC services, in the order in which they are printed. */
export const services = ['customer', 'segmentation', 'marketing', 'cases', 'performance', 'reporting'];

/** Those that need the analytic engine: embedded by default, CLICKHOUSE_URL names a server. */
const analytic = new Set(['segmentation', 'reporting']);

/** Where each thing listens when nothing else is configured: the offset from RAPPORT_PORT_BASE (8600). */
const offsets = {
  gateway: 0,
  gateway_ops: 1,
  postgres: 2,
  nats: 3,
  mailbox_smtp: 4,
  mailbox_http: 5,
  ...Object.fromEntries(
    services.flatMap((name, at) => [
      [name, 10 + at * 10],
      [`${name}_ops`, 11 + at * 10],
    ]),
  ),
};

/** The state that up left; `{}` when it never ran. */
export function readState() {
  if (!existsSync(stateFile)) return {};
  return JSON.parse(readFileSync(stateFile, 'utf8'));
}

/** Replaces the state file at once, so that a reader never sees half of it. */
export function writeState(state) {
  mkdirSync(data, { recursive: true });
  const next = `${stateFile}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(next, stateFile);
}

function number(name) {
  const text = process.env[name];
  if (!text) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`${name} must be a port number, not "${text}"`);
  return port;
}

/**
 * Chooses a port for everything. RAPPORT_PORT_<NAME> or RAPPORT_PORT_BASE plus the offset is taken as it is, and a busy
 * one is an error that names it. Otherwise the port of the last start or the usual one is taken when it is free, else
 * any free one.
 */
export async function choosePorts(last = {}) {
  const base = number('RAPPORT_PORT_BASE');
  const ports = {};
  const busy = [];
  for (const [name, offset] of Object.entries(offsets)) {
    const variable = `RAPPORT_PORT_${name.toUpperCase()}`;
    const configured = number(variable) ?? (base && base + offset);
    const wished = configured ?? last[name] ?? 8600 + offset;
    const taken = Object.values(ports).includes(wished) || !(await isPortFree(wished));
    if (!taken) ports[name] = wished;
    else if (configured) busy.push(`port ${wished} for ${name} is in use: free it or set ${variable}`);
    else ports[name] = await freePort();
  }
  if (busy.length > 0) throw new Error(busy.join('\n'));
  return ports;
}

/**
 * How the allocator of glibc keeps memory that Node gave back; the same stands in the image (deploy/image/Dockerfile).
 * Left to itself it raises both thresholds with the first large buffer that is freed and keeps what an import took:
 * measured 230 MB at rest after one, 206 with blocks from 128 KiB on mapped by themselves, 195 from 32 KiB on.
 */
const memory = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '32768', MALLOC_TRIM_THRESHOLD_: '131072' };

/** What a child may know of the caller's environment: nothing but what runs programs and exports telemetry. */
export function plainEnvironment() {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(PATH|HOME|LANG|TMPDIR|NODE_OPTIONS|LOG_LEVEL|OTEL_.*|NODE_EXTRA_CA_CERTS)$/.test(name),
  );
  return { ...Object.fromEntries(kept), NODE_ENV: 'production', ...memory };
}

/**
 * What node is told before the program of a service; the same stands in the image (deploy/image/Dockerfile). The size
 * of the young generation is said so that it does not follow the memory of the machine. A service at rest gives it back:
 * after ten thousand reads the customer service rests at 174 MB with 32 and at 179 with 16, which collects twice as often
 * and copies the calls in progress each time. It is collected by the thread that runs the program alone: on two busy cores
 * helpers took 45 µs of CPU for each GetParty instead of 8, to save that thread some 5, which waits until they are
 * scheduled.
 */
export const serviceArguments = [
  '--max-semi-space-size=32',
  '--no-parallel-scavenge',
  '--require',
  '@rapport/kit/telemetry/start',
];

const local = (port) => `127.0.0.1:${port}`;

/** The database address of a service's role. */
export function databaseUrl(service, ports, password) {
  return `postgresql://rapport_${service}:${password}@127.0.0.1:${ports.postgres}/rapport_${service}`;
}

/** The environment of a gRPC service. */
export function serviceEnvironment(service, ports, password) {
  const peers = services.map((name) => [`${name.toUpperCase()}_ADDRESS`, local(ports[name])]);
  return {
    ...plainEnvironment(),
    OTEL_SERVICE_NAME: `rapport-${service}`,
    DATABASE_URL: databaseUrl(service, ports, password),
    NATS_URL: `nats://${local(ports.nats)}`,
    GRPC_ADDRESS: local(ports[service]),
    OPS_ADDRESS: local(ports[`${service}_ops`]),
    AUTH_JWKS_FILE: path.join(keys, 'jwks.json'),
    SERVICE_KEY_FILE: path.join(keys, `${service}.jwk.json`),
    KEY_ENCRYPTION_KEY_FILE: path.join(keys, 'key-encryption-key'),
    BANK_TIME_ZONE: process.env.BANK_TIME_ZONE || 'Europe/Prague',
    ...(service === 'customer' && { BANK_COUNTRY: process.env.BANK_COUNTRY || 'CZ' }),
    ...(analytic.has(service) &&
      (process.env.CLICKHOUSE_URL
        ? { CLICKHOUSE_URL: process.env.CLICKHOUSE_URL }
        : { ANALYTICS_PATH: path.join(data, 'analytics', service) })),
    ...(service === 'marketing' && { SMTP_URL: process.env.SMTP_URL || `smtp://${local(ports.mailbox_smtp)}` }),
    ...Object.fromEntries(peers),
  };
}

/** The environment of the gateway, which serves the console. */
export function gatewayEnvironment(ports) {
  return {
    ...plainEnvironment(),
    OTEL_SERVICE_NAME: 'rapport-gateway',
    HTTP_ADDRESS: local(ports.gateway),
    OPS_ADDRESS: local(ports.gateway_ops),
    PUBLIC_URL: `http://localhost:${ports.gateway}`,
    GATEWAY_KEY_FILE: path.join(keys, 'gateway.jwk.json'),
    SESSION_KEY_FILE: path.join(keys, 'session-key'),
    DEMO_USERS_FILE: path.join(keys, 'demo-users.json'),
    DRAIN_MS: '200',
    ...Object.fromEntries(services.map((name) => [`${name.toUpperCase()}_ADDRESS`, local(ports[name])])),
  };
}
