// Starts the whole suite on this machine and keeps it running. Called by ./scripts/up.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findNatsServer, startNats } from './lib/nats.mjs';
import { startPostgres } from './lib/postgres.mjs';
import { build, migrate, prepareDatabases, prepareDemoUsers, prepareKeys, run } from './lib/prepare.mjs';
import { isRunning, processBirth, root, sleep } from './lib/processes.mjs';
import * as suite from './lib/suite.mjs';
import { createSupervisor, startNode, stopAll } from './lib/supervisor.mjs';

const { data, keys, logs, services } = suite;
const READY_MS = 60_000;
const help = `./scripts/up [--detach] [--no-seed]

Starts Postgres, NATS, a local mailbox, every service and the console, and stays until Ctrl-C.
  --detach    return when all is ready; ./scripts/down stops it
  --no-seed   leave an empty suite empty

RAPPORT_DATA            the folder of data, keys and logs (.data)
RAPPORT_PORT_BASE       the first of the ports, the others follow (8600; without it, busy ports are avoided)
RAPPORT_PORT_<NAME>     one port: GATEWAY, CUSTOMER, CUSTOMER_OPS, POSTGRES, NATS, MAILBOX_SMTP, MAILBOX_HTTP …
RAPPORT_NATS_SERVER     the nats-server program
RAPPORT_DEMO_PASSWORD   the password of the demo users (made at the first start)
CLICKHOUSE_URL, SMTP_URL, BANK_TIME_ZONE, BANK_COUNTRY, OTEL_EXPORTER_OTLP_ENDPOINT are passed to the services.`;

const say = (line) => console.log(line);

function summary(state) {
  const { ports } = state;
  const users = existsSync(path.join(keys, 'demo-users.json'))
    ? JSON.parse(readFileSync(path.join(keys, 'demo-users.json'), 'utf8'))
    : [];
  const lines = [
    '',
    'Rapport is ready.',
    `  console   http://localhost:${ports.gateway}`,
    `  mailbox   http://127.0.0.1:${ports.mailbox_http}/messages`,
    ...services.map((service) => `  ${service.padEnd(12)}  127.0.0.1:${ports[service]} (gRPC)`),
    `  postgres  127.0.0.1:${ports.postgres}    nats  127.0.0.1:${ports.nats}`,
    '',
    `Demo users, all with the password ${readFileSync(path.join(keys, 'demo-password'), 'utf8').trim()}:`,
    ...users.map(({ username, roles }) => `  ${username.padEnd(14)} ${roles.join(', ')}`),
    '',
    `Logs are in ${logs}. ./scripts/down stops it; the data stays.`,
  ];
  return lines.join('\n');
}

/** Ends what a killed supervisor left behind. */
async function cleanUp(state) {
  const left = await stopAll(state.processes ?? {});
  if (left.length > 0) say(`stopped what an earlier start left: ${left.join(', ')}`);
}

/** Waits until every service says that it is ready, or one cannot be kept running. */
async function untilReady(ports, supervisor) {
  const waiting = new Map(
    [...services, 'gateway'].map((name) => [name, `http://127.0.0.1:${ports[`${name}_ops`]}/readyz`]),
  );
  const end = Date.now() + READY_MS;
  while (waiting.size > 0) {
    await Promise.all(
      [...waiting].map(async ([name, url]) => {
        const answer = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
        await answer?.arrayBuffer().catch(() => {});
        if (answer?.ok) waiting.delete(name);
      }),
    );
    const ended = supervisor.ended();
    if (ended.length > 0)
      throw new Error(`${ended.map((name) => `${name} ended; its last lines:\n${tail(name)}`).join('\n')}`);
    if (waiting.size > 0 && Date.now() > end) {
      const names = [...waiting.keys()];
      throw new Error(
        `not ready after ${READY_MS / 1000} s: ${names.map((name) => `${name}\n${tail(name)}`).join('\n')}`,
      );
    }
    if (waiting.size > 0) await sleep(100);
  }
}

function tail(name, lines = 8) {
  const file = path.join(logs, `${name}.log`);
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-lines).join('\n') : '(no log)';
}

async function seed(supervisor) {
  const program = path.join(root, 'services/cli/bin/rapport.js');
  if (!existsSync(path.join(root, 'services/cli/dist/main.js'))) {
    say('no demo bank: the command line is not compiled');
    return;
  }
  say('seeding a demo bank of 300 parties');
  const env = { ...suite.plainEnvironment(), RAPPORT_STATE: path.join(data, 'state.json') };
  try {
    await run(process.execPath, [program, 'story', '--parties', '300', '--bank', 'demo', '--json'], { cwd: data, env });
    supervisor.record({ seeded: true });
  } catch (error) {
    say(`the demo bank is incomplete, the next start tries again: ${error.message}`);
  }
}

/** Starts everything. Returns when all of it is ready. */
async function start(supervisor, { wantsSeed }) {
  const began = Date.now();
  const last = suite.readState();
  await cleanUp(last);
  const ports = await suite.choosePorts(last.ports);
  const address = (name) => `127.0.0.1:${ports[name]}`;
  supervisor.record({
    processes: {},
    ready: false,
    ports,
    keys,
    supervisor: { pid: process.pid, birth: processBirth(process.pid) },
    services: Object.fromEntries(
      services.map((name) => [name, { grpc: address(name), ops: `http://${address(`${name}_ops`)}` }]),
    ),
    gateway: { http: `http://localhost:${ports.gateway}`, ops: `http://${address('gateway_ops')}` },
    mailbox: { smtp: `smtp://${address('mailbox_smtp')}`, http: `http://${address('mailbox_http')}` },
    nats: { url: `nats://${address('nats')}` },
  });
  const natsServer = findNatsServer({ say });
  await build({ say });
  const passwords = prepareKeys();

  say('starting Postgres, NATS and the mailbox');
  const log = (name) => path.join(logs, `${name}.log`);
  const settings = { max_connections: '300', shared_buffers: '128MB', max_wal_size: '1GB' };
  const postgres = () =>
    startPostgres({
      dir: path.join(data, 'postgres'),
      port: ports.postgres,
      password: passwords.superuser,
      settings,
      log: log('postgres'),
      detached: true,
    });
  const nats = () =>
    startNats({ binary: natsServer, dir: path.join(data, 'nats'), port: ports.nats, log: log('nats'), detached: true });
  const mailboxArguments = [
    path.join(root, 'scripts/mailbox.mjs'),
    path.join(data, 'mailbox'),
    String(ports.mailbox_smtp),
    String(ports.mailbox_http),
  ];
  const plain = ({ pid, birth }) => ({ pid, birth });
  let url;
  await Promise.all([
    supervisor.keep('postgres', 'postgres', async () => {
      const server = await postgres();
      url = server.url;
      return plain(server);
    }),
    supervisor.keep('nats', 'nats', async () => plain(await nats())),
    supervisor.keep('mailbox', 'mailbox', async () =>
      startNode('mailbox', mailboxArguments, { cwd: data, env: suite.plainEnvironment() }),
    ),
  ]);
  supervisor.record({
    postgres: { url: url.replace(/:[^:@/]+@/, '@'), passwordFile: path.join(keys, 'postgres-password') },
  });
  say('migrating the databases');
  await prepareDatabases({ superuserUrl: url, passwords: passwords.databases });
  await Promise.all([
    migrate({ ports, passwords: passwords.databases, environment: suite.serviceEnvironment }),
    prepareDemoUsers(passwords.demo),
  ]);

  say('starting the services');
  const node = (name, env) => async () => {
    const cwd = path.join(root, 'services', name);
    return startNode(name, [...suite.serviceArguments, 'dist/main.js'], { cwd, env });
  };
  for (const name of services)
    await supervisor.keep(
      name,
      'service',
      node(name, suite.serviceEnvironment(name, ports, passwords.databases[name])),
    );
  await supervisor.keep('gateway', 'gateway', node('gateway', suite.gatewayEnvironment(ports)));
  await untilReady(ports, supervisor);
  supervisor.watch();
  say(`all services are ready after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  if (wantsSeed && !suite.readState().seeded) await seed(supervisor);
  supervisor.record({ ready: true });
  say(summary(suite.readState()));
}

/** Runs the suite in this process until a signal ends it. */
async function supervise(options) {
  const supervisor = createSupervisor({ say });
  const end = async (signal) => {
    say(`\nstopping (${signal})`);
    await supervisor.stop();
    process.exit(0);
  };
  process.on('SIGINT', () => void end('SIGINT'));
  process.on('SIGTERM', () => void end('SIGTERM'));
  process.on('SIGHUP', () => void (options.detached || end('SIGHUP')));
  process.stdout.on('error', () => {}); // who read it has gone; what runs goes on
  try {
    await start(supervisor, options);
  } catch (error) {
    if (supervisor.isStopping()) return; // the signal's own work ends the process
    console.error(error.message);
    await supervisor.stop();
    process.exit(1);
  }
}

/** Starts the supervisor in the background and shows what it says until all is ready. Returns the exit code. */
async function detach(options) {
  const log = path.join(logs, 'up.log');
  rmSync(log, { force: true });
  const output = openSync(log, 'a');
  const args = [import.meta.filename, '--supervise', ...(options.wantsSeed ? [] : ['--no-seed'])];
  const child = spawn(process.execPath, args, { cwd: root, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  child.unref();
  const record = { pid: child.pid, birth: processBirth(child.pid) };
  process.once('SIGINT', () => {
    process.kill(child.pid, 'SIGTERM');
    process.exit(130);
  });
  let shown = 0;
  const show = () => {
    const text = readFileSync(log).subarray(shown);
    process.stdout.write(text);
    shown += text.length;
  };
  for (;;) {
    const running = isRunning(record);
    const { ready, supervisor } = suite.readState();
    show();
    if (ready && supervisor?.pid === child.pid) return 0;
    if (!running) return 1;
    await sleep(100);
  }
}

const { values } = parseArgs({
  options: {
    detach: { type: 'boolean', default: false },
    supervise: { type: 'boolean', default: false },
    'no-seed': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const options = { wantsSeed: !values['no-seed'], detached: values.supervise };
const state = suite.readState();
if (values.help) say(help);
else if (state.supervisor && isRunning(state.supervisor) && state.supervisor.pid !== process.pid) {
  say(state.ready ? summary(state) : 'It is being started already.');
  say(`\n(It was running already, as process ${state.supervisor.pid}.)`);
} else {
  mkdirSync(logs, { recursive: true });
  if (values.detach) process.exitCode = await detach(options);
  else await supervise(options);
}
