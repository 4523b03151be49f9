// Keeps processes running: starts each, records it, starts it again with growing pauses when it ends by itself, and
// stops all in order. What it records lets another process clean up should the supervisor be killed.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { isRunning, processBirth, sleep, stopProcess, waitFor } from './processes.mjs';
import { logs, readState, writeState } from './suite.mjs';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const STEADY_AFTER_MS = 60_000;

/** The order in which things are stopped: callers before those they call, stores last. */
const stopOrder = ['gateway', 'service', 'mailbox', 'nats', 'postgres'];
const patience = { gateway: 10_000, service: 20_000, mailbox: 3000, nats: 10_000, postgres: 20_000 };

/** Starts a Node program in its own process group, with its output appended to `.data/log/<name>.log`. */
export function startNode(name, args, { cwd, env }) {
  const log = openSync(path.join(logs, `${name}.log`), 'a');
  const child = spawn(process.execPath, args, { cwd, env, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.on('error', () => {}); // seen as a process that does not run
  child.unref();
  return { pid: child.pid, birth: processBirth(child.pid) };
}

/** Stops recorded processes (`{ name: { pid, birth, kind } }`) in order. Returns the names of those that were running. */
export async function stopAll(processes) {
  const stopped = [];
  for (const kind of stopOrder) {
    const group = Object.entries(processes).filter(([, record]) => record.kind === kind);
    await Promise.all(
      group.map(async ([name, record]) => {
        const signal = kind === 'postgres' ? 'SIGINT' : 'SIGTERM';
        if (await stopProcess(record, { signal, waitMs: patience[kind] })) stopped.push(name);
      }),
    );
  }
  return stopped;
}

/** The supervisor of one data folder. `say` hears what happens; `state` is written on each change. */
export function createSupervisor({ say }) {
  const units = new Map();
  const pending = new Set();
  let stopping = false;
  let watcher;

  /** Merges a change into the state file. */
  function record(change) {
    writeState({ ...readState(), ...change });
  }
  function recordUnit(unit) {
    const { processes = {} } = readState();
    record({ processes: { ...processes, [unit.name]: { ...unit.process, kind: unit.kind } } });
  }

  /** Starts a unit and keeps it: `start()` answers with `{ pid, birth }` of the process it made. */
  async function keep(name, kind, start) {
    if (stopping) throw new Error('stopping');
    const starting = start();
    pending.add(starting);
    try {
      const unit = { name, kind, start, process: await starting, since: Date.now(), pause: FIRST_PAUSE_MS };
      units.set(name, unit);
      recordUnit(unit);
      return unit.process;
    } finally {
      pending.delete(starting);
    }
  }

  async function restart(unit) {
    if (Date.now() - unit.since > STEADY_AFTER_MS) unit.pause = FIRST_PAUSE_MS;
    say(
      `${unit.name} ended (see ${path.relative(process.cwd(), path.join(logs, `${unit.name}.log`))}); starting it again in ${unit.pause} ms`,
    );
    unit.restarting = true;
    await sleep(unit.pause);
    unit.pause = Math.min(unit.pause * 2, LONGEST_PAUSE_MS);
    try {
      if (stopping) return;
      const started = await unit.start();
      unit.process = started;
      unit.since = Date.now();
      recordUnit(unit);
      if (stopping) await stopProcess(started);
    } catch (error) {
      say(`${unit.name} did not start: ${error.message}`);
    } finally {
      unit.restarting = false;
    }
  }

  /** Looks after the units until `stop`. */
  function watch() {
    watcher = setInterval(() => {
      if (stopping) return;
      for (const unit of units.values()) if (!unit.restarting && !isRunning(unit.process)) void restart(unit);
    }, 250);
  }

  async function stop() {
    if (stopping) return;
    stopping = true;
    clearInterval(watcher);
    await Promise.allSettled(pending);
    await waitFor(() => [...units.values()].every((unit) => !unit.restarting), { waitMs: LONGEST_PAUSE_MS });
    await stopAll(Object.fromEntries([...units].map(([name, unit]) => [name, { ...unit.process, kind: unit.kind }])));
    record({ processes: {}, supervisor: undefined, ready: false });
  }

  /** The names of units whose process has ended. */
  const ended = () => [...units.values()].filter((unit) => !isRunning(unit.process)).map((unit) => unit.name);

  return { keep, watch, stop, record, ended, isStopping: () => stopping };
}
