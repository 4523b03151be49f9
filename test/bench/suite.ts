import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, median, rounded, type Say } from './figure.js';
import { root, run, script } from './scripts.js';

const MOST_SECONDS = 30;
const MOST_MEGABYTES = 200;
/** How long a service has had nothing to do when its memory is read. */
const REST_MS = 20_000;
const SAMPLES = 5;
/** Those that hold the analytic engine. */
const engines = new Set(['segmentation', 'reporting']);

interface State {
  processes: Record<string, { pid: number; kind: string }>;
}

/** Resident memory of a process in MB. */
function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

async function freeBase(): Promise<number> {
  const { isPortFree } = await script('processes');
  for (let base = 21_000; base < 30_000; base += 100) {
    const ports = Array.from({ length: 72 }, (_none, index) => base + index);
    if ((await Promise.all(ports.map((port) => isPortFree(port)))).every(Boolean)) return base;
  }
  throw new Error('no free range of ports');
}

async function memoryAtRest(state: State, say: Say): Promise<Figure[]> {
  say(`waiting ${REST_MS / 1000} s for the services to come to rest`);
  await sleep(REST_MS);
  const running = Object.entries(state.processes).filter(([, { kind }]) => kind === 'service' || kind === 'gateway');
  const samples = new Map<string, number[]>(running.map(([name]) => [name, []]));
  for (let at = 0; at < SAMPLES; at += 1) {
    for (const [name, { pid }] of running) samples.get(name)?.push(residentMegabytes(pid));
    await sleep(1000);
  }
  return [...samples].map(([name, megabytes]) => ({
    name: `rss_${name}`,
    value: rounded(median(megabytes), 0),
    unit: 'MB',
    baseline: null,
    ratio: null,
    goal: engines.has(name) ? null : MOST_MEGABYTES,
  }));
}

/** Starts the suite as a person would, on an installed tree with a data folder of its own, and weighs it at rest. */
export async function measureSuite(say: Say): Promise<Figure[]> {
  const data = mkdtempSync(path.join(tmpdir(), 'rapport-bench-up-'));
  chmodSync(data, 0o711);
  const { plainEnvironment } = await script('suite');
  const env = { ...plainEnvironment(), RAPPORT_DATA: data, RAPPORT_PORT_BASE: String(await freeBase()) };
  say('scripts/up --detach');
  try {
    const began = performance.now();
    const said = await run(path.join(root, 'scripts/up'), ['--detach'], { env });
    // What of the time the services took, and what the demo bank of a first start.
    for (const line of said.split('\n').filter((one) => / (after|seeding) /.test(` ${one}`))) say(line);
    const seconds = rounded((performance.now() - began) / 1000, 1);
    const ready = { name: 'up_ready', value: seconds, unit: 's', baseline: null, ratio: null, goal: MOST_SECONDS };
    const state = JSON.parse(readFileSync(path.join(data, 'state.json'), 'utf8')) as State;
    return [ready, ...(await memoryAtRest(state, say))];
  } finally {
    await run(path.join(root, 'scripts/down'), [], { env });
    rmSync(data, { recursive: true, force: true });
  }
}
