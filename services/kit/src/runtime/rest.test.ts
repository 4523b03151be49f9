import { setTimeout as sleep } from 'node:timers/promises';
import { releaseMemoryAtRest } from './rest.js';

/** Objects that live long enough to be moved where only a full collection looks. */
function litter(): void {
  let kept: unknown[] = [];
  for (let at = 0; at < 400_000; at += 1) kept.push({ at, text: `row ${at}` });
  kept = [];
}

describe('releaseMemoryAtRest', () => {
  it('gives back what was left behind, once the process rests', async () => {
    litter();
    const littered = process.memoryUsage().heapUsed;
    const stop = releaseMemoryAtRest(100);
    await sleep(2_000);
    stop();
    expect(littered - process.memoryUsage().heapUsed).toBeGreaterThan(20 * 1024 * 1024);
  });

  it('leaves a busy process alone', async () => {
    const collect = jest.fn();
    const stop = releaseMemoryAtRest(50, () => collect);
    const end = Date.now() + 500;
    while (Date.now() < end) {
      const until = performance.now() + 20;
      while (performance.now() < until);
      await sleep(1);
    }
    stop();
    expect(collect).not.toHaveBeenCalled();
  });

  it('collects once, and again only when there is something new', async () => {
    const collect = jest.fn();
    const stop = releaseMemoryAtRest(50, () => collect);
    await sleep(600);
    stop();
    expect(collect).toHaveBeenCalledTimes(1);
  });
});
