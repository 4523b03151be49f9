import { logger, type Running } from '@rapport/kit/runtime';
import type { Deps } from '../deps.js';
import type { Wakeup } from '../wakeup/wakeup.js';
import { completeCampaigns, fillAudiences } from './fill-audiences.js';

/**
 * Reads the audiences of launched campaigns and completes those that are done, until stopped. Every process may start it.
 */
export function startCampaigns(
  deps: Pick<Deps, 'db' | 'clock' | 'segmentation' | 'wake'>,
  wakeup: Wakeup,
  pollMs: number,
): Running {
  const abort = new AbortController();
  const sleep = wakeup.sleeper();

  async function run(): Promise<void> {
    while (!abort.signal.aborted) {
      try {
        await fillAudiences(deps, abort.signal);
        await completeCampaigns(deps);
      } catch (error) {
        logger.error({ err: error }, 'campaigns could not be looked at');
      }
      await sleep(pollMs, abort.signal);
    }
  }

  const running = run();
  return {
    stop: async () => {
      abort.abort();
      await running;
    },
  };
}
