import { setTimeout as sleep } from 'node:timers/promises';
import { serviceNames } from '../suite.js';
import type { Story } from './context.js';

/** What is still on its way between the services. */
export interface Lag {
  readonly service: string;
  readonly what: string;
  readonly pending: number;
  readonly deadLetters: number;
}

/** Asks every service for its outbox and its consumers. */
export async function readLag(story: Pick<Story, 'clients'>): Promise<Lag[]> {
  const answers = await Promise.all(
    serviceNames.map(async (service) => {
      const answer = await story.clients.operations[service].getEventLag({ name: `services/${service}` });
      return [
        { service, what: 'outbox', pending: Number(answer.outbox?.pending ?? 0), deadLetters: 0 },
        ...answer.consumers.map((one) => ({
          service,
          what: one.consumer,
          pending: Number(one.pending + one.unacknowledged),
          deadLetters: Number(one.deadLetters),
        })),
      ];
    }),
  );
  return answers.flat();
}

const QUIET_ROUNDS = 2;
const LIMIT_MS = 15 * 60_000;

/**
 * Waits until nothing is on its way: every outbox and consumer is empty and segmentation has applied all changes, twice
 * in a row, because one consumer's end may be another's beginning. Throws after fifteen minutes and names who lags.
 */
export async function settle(story: Story, title: string): Promise<void> {
  const step = story.progress.step(title);
  const until = Date.now() + LIMIT_MS;
  let quiet = 0;
  for (;;) {
    const lags = (await readLag(story)).filter((lag) => lag.pending > 0);
    const progress = await story.clients.segmentation.getSegmentProgress({ organisationPath: `/${story.bank.id}` });
    quiet = lags.length === 0 && progress.caughtUp ? quiet + 1 : 0;
    if (quiet === QUIET_ROUNDS) break;
    const waiting = lags.map((lag) => `${lag.service} ${lag.what} ${lag.pending}`).join(', ');
    step.say(waiting || `segmentation ${progress.pendingParties} parties`);
    if (Date.now() > until)
      throw new Error(`the events did not settle within fifteen minutes; still on their way: ${waiting}`);
    await sleep(250);
  }
  step.done();
}
