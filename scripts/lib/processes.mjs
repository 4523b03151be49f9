// What the scripts and the test kit need to know about processes and ports.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The root folder of the tree. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

export { sleep };

/** Says whether `port` of the loopback interface can be bound right now. */
export function isPortFree(port, host = '127.0.0.1') {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** A port of the loopback interface that nobody holds at this moment. */
export function freePort(host = '127.0.0.1') {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen({ port: 0, host }, () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/**
 * When the process `pid` was started, in a form that only equals itself, or undefined when there is none. A pid alone
 * proves nothing: the system gives it to somebody else after its owner died.
 */
export function processBirth(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : `jiffies ${fields[19]}`;
  } catch {
    if (process.platform === 'linux') return undefined;
    const answer = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
    return answer.status === 0 && answer.stdout.trim() ? answer.stdout.trim() : undefined;
  }
}

/** Says whether the recorded process `{ pid, birth }` still runs. */
export const isRunning = ({ pid, birth }) => birth !== undefined && processBirth(pid) === birth;

/**
 * Stops the recorded process: `signal`, then SIGKILL when it has not ended after `waitMs`. Never touches a process
 * other than the recorded one. Returns whether it was running.
 */
export async function stopProcess(record, { signal = 'SIGTERM', waitMs = 10_000 } = {}) {
  if (!isRunning(record)) return false;
  const send = (name) => {
    try {
      process.kill(record.pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  };
  send(signal);
  const end = Date.now() + waitMs;
  while (isRunning(record) && Date.now() < end) await sleep(20);
  if (isRunning(record)) send('SIGKILL');
  while (isRunning(record)) await sleep(20);
  return true;
}

/** Asks `check` every `everyMs` until it answers something truthy, which is returned; undefined after `waitMs`. */
export async function waitFor(check, { waitMs = 10_000, everyMs = 20 } = {}) {
  const end = Date.now() + waitMs;
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (Date.now() >= end) return undefined;
    await sleep(everyMs);
  }
}
