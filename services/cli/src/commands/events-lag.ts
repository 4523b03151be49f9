import type { Clients } from '../clients.js';
import { print, table } from '../output.js';
import { readLag } from '../story/flows.js';

/** `rapport events lag`: what is still on its way in every service's outbox and consumers. */
export async function eventsLag(clients: Clients, flags: { json?: boolean }): Promise<void> {
  const lags = await readLag({ clients });
  print(flags.json === true, lags, () =>
    table(
      ['service', 'outbox or consumer', 'pending', 'dead letters'],
      lags.map((one) => [one.service, one.what, one.pending, one.deadLetters]),
    ),
  );
}
