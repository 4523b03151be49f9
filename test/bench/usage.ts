import { readdirSync, readFileSync } from 'node:fs';
import type { World } from './world.js';

/** What the service and Postgres took. */
export interface Usage {
  /** Notes the memory that Postgres has now; of the service the kernel knows the peak. */
  look(): void;
  /** Seconds of CPU since the beginning, and the most memory in MB. */
  done(): Record<'cpuSeconds' | 'megabytes', Record<'customer' | 'postgres', number>>;
}

const TICKS = 100;

/** The text, or '' of a process that ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function statOf(pid: number | string): number[] {
  const stat = read(`/proc/${pid}/stat`);
  // Behind the name, which may hold anything: state, parent, …
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}

/** Seconds of CPU of a process; of `children` too that ended. */
export function cpuOf(pid: number | string, children: boolean): number {
  const stat = statOf(pid);
  const ticks = (stat[11] ?? 0) + (stat[12] ?? 0) + (children ? (stat[13] ?? 0) + (stat[14] ?? 0) : 0);
  return ticks / TICKS;
}

function childrenOf(pid: number): string[] {
  return readdirSync('/proc').filter((one) => /^\d+$/.test(one) && statOf(one)[1] === pid);
}

/** Seconds of CPU that a Postgres server has taken so far. */
export function postgresCpu(pid: number): number {
  return cpuOf(pid, true) + childrenOf(pid).reduce((sum, child) => sum + cpuOf(child, false), 0);
}

const kilobytes = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0);

/** Memory of a Postgres server in MB: what its processes share counts once. */
function postgresMegabytes(pid: number): number {
  const all = [String(pid), ...childrenOf(pid)];
  return all.reduce((sum, one) => sum + kilobytes(read(`/proc/${one}/smaps_rollup`), 'Pss'), 0) / 1024;
}

/** Begins to watch what the processes of a world take (Linux). */
export function usageOf({ processes: { customer, postgres } }: World): Usage {
  const before = { customer: cpuOf(customer, false), postgres: postgresCpu(postgres) };
  let most = postgresMegabytes(postgres);
  return {
    look() {
      most = Math.max(most, postgresMegabytes(postgres));
    },
    done: () => ({
      cpuSeconds: {
        customer: cpuOf(customer, false) - before.customer,
        postgres: postgresCpu(postgres) - before.postgres,
      },
      megabytes: { customer: kilobytes(read(`/proc/${customer}/status`), 'VmHWM') / 1024, postgres: most },
    }),
  };
}
