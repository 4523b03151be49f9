// Finds or installs nats-server and starts it with JetStream, as a process of its own that outlives the caller.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { processBirth, root, stopProcess, waitFor } from './processes.mjs';

const VERSION = 'v2.14.5';
const tools = path.join(root, '.data/tools');

const isProgram = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const onPath = (name) =>
  (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter(Boolean)
    .map((folder) => path.join(folder, name))
    .find(isProgram);

/**
 * The path of a nats-server: RAPPORT_NATS_SERVER, `.data/tools`, the PATH, else built by Go into `.data/tools`, else
 * installed from Debian's packages when run as root. Throws one line saying what to do when none of them works.
 * `say` hears about what takes long.
 */
export function findNatsServer({ say = () => {} } = {}) {
  const wished = process.env.RAPPORT_NATS_SERVER;
  if (wished) {
    if (isProgram(wished)) return wished;
    throw new Error(`RAPPORT_NATS_SERVER names ${wished}, which is no program`);
  }
  const kept = path.join(tools, 'nats-server');
  if (isProgram(kept)) return kept;
  const found = onPath('nats-server');
  if (found) return found;
  const go = onPath('go') ?? ['/usr/local/go/bin/go'].find(isProgram);
  if (go) {
    say(`building nats-server ${VERSION} with Go (once)`);
    mkdirSync(tools, { recursive: true });
    const built = spawnSync(go, ['install', `github.com/nats-io/nats-server/v2@${VERSION}`], {
      env: { ...process.env, GOBIN: tools, GOFLAGS: '-modcacherw' },
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    if (built.status === 0 && isProgram(kept)) return kept;
    say(`Go could not build it: ${(built.error?.message ?? built.stderr).trim().split('\n').at(-1)}`);
  }
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    say('installing nats-server from the system packages');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const install = () =>
      spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'nats-server'], { env });
    if (install().status !== 0) {
      spawnSync('apt-get', ['update', '-qq'], { env });
      install();
    }
    const installed = onPath('nats-server') ?? ['/usr/sbin/nats-server', '/usr/bin/nats-server'].find(isProgram);
    if (installed) return installed;
  }
  throw new Error(
    'nats-server is missing: put nats-server 2.10 or newer on the PATH, name it in RAPPORT_NATS_SERVER, or install Go',
  );
}

/**
 * Starts nats-server with JetStream kept in `dir` and returns when it accepts clients. `port` 0 means that the server
 * takes a free one; `log` is the file that gets its output; `detached` takes it out of the terminal's process group.
 * Returns `{ pid, birth, port, url, stop }`.
 */
export async function startNats({ binary, dir, port = 0, log, detached = false }) {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const stale = (file) => file.startsWith('nats-server_') && file.endsWith('.ports');
  for (const file of readdirSync(dir).filter(stale)) rmSync(path.join(dir, file));
  const args = ['-a', '127.0.0.1', '-p', String(port || -1), '-js', '-sd', dir, '--ports_file_dir', dir];
  const output = log ? openSync(log, 'a') : 'ignore';
  const child = spawn(binary, args, { cwd: dir, detached, stdio: ['ignore', output, output] });
  if (log) closeSync(output);
  let failure;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code, signal) => (failure ??= `it ended with ${signal ?? code}`));
  child.unref();
  const address = await waitFor(() => (failure ? { failure } : boundAddress(dir, child.pid)), { waitMs: 15_000 });
  if (!address?.port) {
    await stopProcess({ pid: child.pid, birth: processBirth(child.pid) }, { waitMs: 1000 });
    const tail = log ? readFileSync(log, 'utf8').trim().split('\n').slice(-2).join(' | ') : '';
    throw new Error(`nats-server did not start: ${address?.failure ?? 'no answer in 15 s'} ${tail}`.trim());
  }
  const record = { pid: child.pid, birth: processBirth(child.pid) };
  return { ...record, ...address, stop: () => stopNats(record) };
}

/** The address the server says it listens on, from the file it writes when it is ready. */
function boundAddress(dir, pid) {
  try {
    const { nats } = JSON.parse(readFileSync(path.join(dir, `nats-server_${pid}.ports`), 'utf8'));
    const port = Number(new URL(nats[0]).port);
    return port ? { port, url: `nats://127.0.0.1:${port}` } : undefined;
  } catch {
    return undefined;
  }
}

/** Stops a nats-server by its record. */
export const stopNats = (record) => stopProcess(record, { signal: 'SIGTERM', waitMs: 10_000 });
