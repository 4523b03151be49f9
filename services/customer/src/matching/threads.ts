import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { blockCount } from './blocks.js';
import { type Done, type Ground, type Task, worker } from './work.js';

/** Carries out tasks on one ground. */
export interface Crew {
  /**
   * Gives the results in the order of the tasks; `onDone` hears of each as it comes, and of its place among the tasks.
   * Rejects when the signal aborts.
   */
  carryOut(tasks: readonly Task[], onDone?: (done: Done, at: number) => void): Promise<Done[]>;
  close(): Promise<void>;
}

/** Below so many records one thread is faster than starting others. */
const WORTH_THREADS = 20_000;
/** Compiled beside this file; where the sources run as they are, this thread does the work itself. */
const entry = path.join(__dirname, 'score-worker.js');

/** Threads for a ground: as many as the machine has processors, or this one, breathing between tasks. */
export function openCrew(ground: Ground, signal?: AbortSignal): Crew {
  const many = ground.population.size >= WORTH_THREADS && existsSync(entry);
  // One is left for the calls that the service answers meanwhile, where there are more than two.
  const count = Math.max(1, Math.min(8, availableParallelism() > 2 ? availableParallelism() - 1 : 2));
  return many ? threads(ground, count, entry, signal) : alone(ground, signal);
}

/**
 * Blocks in portions of about equal work, so that progress shows, threads end together, and one that works alone lets the
 * service answer in between.
 */
export function portions(ground: Ground): { from: number; until: number }[] {
  const { starts } = ground.blocks;
  const records = ground.population.size < WORTH_THREADS ? 2_000 : 20_000;
  const cuts: { from: number; until: number }[] = [];
  let from = 0;
  for (let block = 1; block <= blockCount(ground.blocks); block += 1) {
    if ((starts[block] as number) - (starts[from] as number) < records && block < blockCount(ground.blocks)) continue;
    cuts.push({ from, until: block });
    from = block;
  }
  return cuts;
}

/** This thread alone, which breathes between tasks. */
export function alone(ground: Ground, signal?: AbortSignal): Crew {
  const carry = worker(ground);
  return {
    async carryOut(tasks, onDone = () => undefined) {
      const results: Done[] = [];
      for (const [at, task] of tasks.entries()) {
        signal?.throwIfAborted();
        const done = carry(task);
        onDone(done, at);
        results.push(done);
        await breathe();
      }
      return results;
    },
    close: async () => undefined,
  };
}

/** So many threads that each run the compiled `file`. */
export function threads(ground: Ground, count: number, file: string, signal?: AbortSignal): Crew {
  const workers = Array.from({ length: count }, () => new Worker(file, { workerData: ground }));
  return {
    async carryOut(tasks, onDone = () => undefined) {
      const results: Done[] = new Array(tasks.length);
      let next = 0;
      const drive = async (one: Worker): Promise<void> => {
        for (let at = next++; at < tasks.length; at = next++) {
          signal?.throwIfAborted();
          const done = await ask(one, tasks[at] as Task);
          results[at] = done;
          onDone(done, at);
        }
      };
      await Promise.all(workers.map(drive));
      return results;
    },
    async close() {
      await Promise.all(workers.map((one) => one.terminate()));
    },
  };
}

function ask(thread: Worker, task: Task): Promise<Done> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      thread.off('message', answered);
      thread.off('error', failed);
      thread.off('exit', left);
    };
    const answered = (done: Done): void => (end(), resolve(done));
    const failed = (error: Error): void => (end(), reject(error));
    const left = (): void => (end(), reject(new Error('a thread of the matcher ended')));
    thread.on('message', answered);
    thread.on('error', failed);
    thread.on('exit', left);
    thread.postMessage(task);
  });
}
