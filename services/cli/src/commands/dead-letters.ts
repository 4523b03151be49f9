import type { DeadLetter } from '@rapport/proto/operations/v1';
import { randomUUID } from 'node:crypto';
import type { Clients } from '../clients.js';
import { print, table } from '../output.js';
import { chosenServices } from '../suite.js';

export interface DeadLetterFlags {
  readonly service?: string;
  readonly consumer?: string;
  readonly json?: boolean;
}

/** `rapport deadletter list`: events that no consumer could take, of one service or all, oldest first in each. */
export async function listDeadLetters(clients: Clients, flags: DeadLetterFlags): Promise<void> {
  const letters: DeadLetter[] = [];
  for (const service of chosenServices(flags)) {
    let pageToken = '';
    do {
      const page = await clients.operations[service].listDeadLetters({
        parent: `services/${service}`,
        ...(flags.consumer && { filter: { consumer: flags.consumer, eventType: '', reason: '' } }),
        pageSize: 1000,
        pageToken,
      });
      letters.push(...page.deadLetters);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  }
  print(flags.json === true, letters, function* () {
    if (letters.length === 0) {
      yield 'No dead letters.';
      return;
    }
    yield* table(
      ['name', 'consumer', 'event', 'attempts', 'reason', 'trace'],
      letters.map((one) => [one.name, one.consumer, one.eventType, one.attempts, one.reason, one.traceId]),
    );
  });
}

/** `rapport deadletter redrive [names…]`: hands dead letters to their consumers again, in order; all of them without names. */
export async function redriveDeadLetters(
  clients: Clients,
  names: readonly string[],
  flags: DeadLetterFlags,
): Promise<void> {
  const results: { service: string; redriven: number; missing: readonly string[] }[] = [];
  for (const service of chosenServices(flags)) {
    const own = names.filter((name) => name.startsWith(`services/${service}/`));
    if (names.length > 0 && own.length === 0) continue;
    const answer = await clients.operations[service].redriveDeadLetters({
      parent: `services/${service}`,
      selection:
        own.length > 0
          ? { $case: 'deadLetters', value: { names: own } }
          : { $case: 'filter', value: { consumer: flags.consumer ?? '', eventType: '', reason: '' } },
      requestId: randomUUID(),
    });
    results.push({ service, redriven: answer.redriven, missing: answer.missing });
  }
  print(flags.json === true, results, () =>
    table(
      ['service', 'redriven', 'missing'],
      results.map((one) => [one.service, one.redriven, one.missing.length]),
    ),
  );
}
