import { performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** How busy the event loop may be, from 0 to 1, for the process to count as resting. */
const RESTING = 0.1;
/** A collection stops the process for some 50 ms, so it has to be worth it. */
const WORTH_BYTES = 8 * 1024 * 1024;

function collector(): Collect {
  // The function is there under a flag only, and a flag on the command line would be one more thing to forget.
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}

/**
 * Gives memory back when there is nothing to do. V8 collects when something is allocated, so a process that has become
 * quiet keeps what the last import left for as long as it stays quiet: measured 411 MB instead of 150. Looks every
 * `everyMs` milliseconds and collects once the loop was idle since the last look and the heap has grown since the last
 * collection. Returns the function that ends it.
 */
export function releaseMemoryAtRest(everyMs = 5_000, makeCollector = collector): () => void {
  let collect: Collect | undefined;
  let kept = 0;
  let before = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (utilization > RESTING || getHeapStatistics().total_physical_size < kept + WORTH_BYTES) return;
    collect ??= makeCollector();
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    kept = getHeapStatistics().total_physical_size;
  }, everyMs).unref();
  return () => clearInterval(timer);
}
