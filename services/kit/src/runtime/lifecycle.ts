import { setTimeout as sleep } from 'node:timers/promises';
import type { Health } from './health.js';
import { logger } from './logger.js';
import { releaseMemoryAtRest } from './rest.js';

/** Something that runs until it is stopped. Stopping twice is harmless. */
export interface Running {
  stop(): Promise<void>;
}

/** How a process leaves. Times in milliseconds. */
export interface ShutdownOptions {
  /** The pause between saying NOT_SERVING and stopping, so that callers have left. */
  drainMs: number;
  /** Turned to NOT_SERVING at the signal. */
  health?: Health;
  /** After this time since the signal the process is killed, whatever still runs; 25 s by default. */
  hardLimitMs?: number;
  /** The exit of the process; replaced in tests. */
  exit?: (code: number) => void;
}

/**
 * Waits for SIGTERM or SIGINT, giving memory back whenever there is nothing to do, then leaves in order: NOT_SERVING, a pause of `drainMs`, each of `stops` one after the
 * other, exit 0. A stop that fails is logged, the others still run and the exit is 1. A second signal, or the hard
 * limit, ends the process at once with 1. Resolves after the exit function was called.
 */
export async function runUntilSignal(stops: readonly (() => Promise<void>)[], options: ShutdownOptions): Promise<void> {
  const exit = options.exit ?? ((code: number) => process.exit(code));
  let heard: ((signal: string) => void) | undefined;
  const first = new Promise<string>((resolve) => {
    heard = resolve;
  });
  let signals = 0;
  const listener = (signal: string) => {
    signals += 1;
    if (signals === 1) heard?.(signal);
    else exit(1);
  };
  process.on('SIGTERM', listener);
  process.on('SIGINT', listener);
  const stopReleasing = releaseMemoryAtRest();
  const signal = await first;
  stopReleasing();
  logger.info({ signal }, 'stopping');
  const killer = setTimeout(() => {
    logger.error('not stopped within the hard limit');
    exit(1);
  }, options.hardLimitMs ?? 25_000);
  options.health?.drain();
  await sleep(options.drainMs);
  let code = 0;
  for (const stop of stops) {
    try {
      await stop();
    } catch (error) {
      code = 1;
      logger.error({ err: error }, 'a part did not stop cleanly');
    }
  }
  clearTimeout(killer);
  process.off('SIGTERM', listener);
  process.off('SIGINT', listener);
  logger.info('stopped');
  exit(code);
}

/**
 * Runs `fn` every `ms` milliseconds, a tenth earlier or later so that replicas do not move in step, and never twice at
 * once. A failure is logged and the next run happens as planned. `stop()` waits for the run in progress.
 */
export function every(name: string, ms: number, fn: () => Promise<void> | void): Running {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> = Promise.resolve();

  function plan(): void {
    if (stopped) return;
    timer = setTimeout(
      () => {
        current = run().finally(plan);
      },
      ms * (0.9 + Math.random() * 0.2),
    );
    timer.unref();
  }

  async function run(): Promise<void> {
    try {
      await fn();
    } catch (error) {
      logger.error({ err: error, timer: name }, 'a timed job failed');
    }
  }

  plan();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await current;
    },
  };
}
