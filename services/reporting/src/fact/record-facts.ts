import type { Analytics } from '@rapport/kit/analytics';
import { storeFacts } from './fact.js';
import { type FactEvent, factOf } from './read-events.js';

export { factEvents } from './read-events.js';

/** Consumes a batch of events of any service: one row each, one insert. Safe to repeat. */
export async function recordFacts(
  deps: { analytics: Analytics; zone: string },
  events: readonly FactEvent[],
): Promise<void> {
  await storeFacts(
    deps.analytics,
    events.map((event) => factOf(event, deps.zone)),
  );
}
