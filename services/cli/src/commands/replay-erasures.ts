import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Erasure } from '@rapport/proto/operations/v1';
import type { Clients } from '../clients.js';
import { print, table } from '../output.js';
import { openProgress } from '../progress.js';
import { chosenServices, OperatorError, type ServiceName, serviceNames } from '../suite.js';

export interface ReplayFlags {
  readonly since: string;
  readonly service?: string;
  readonly json?: boolean;
}

/** Erasures in one call. */
const BATCH = 200;
const TIMEOUT_MS = 60_000;
const LOOK_MS = 500;
/** So long may a service take to remove what came back; it works within seconds. */
const PATIENCE_MS = 10 * 60_000;

async function listed(
  { operations }: Pick<Clients, 'operations'>,
  service: ServiceName,
  filter: { since: Date | undefined; openOnly: boolean },
): Promise<Erasure[]> {
  const found: Erasure[] = [];
  for (let pageToken = ''; ; ) {
    const parent = `services/${service}`;
    const page = await operations[service].listErasures({ parent, ...filter, pageSize: 1000, pageToken });
    found.push(...page.erasures);
    pageToken = page.nextPageToken;
    if (pageToken === '') return found;
  }
}

/**
 * `rapport privacy replay-erasures`: after a restore from a backup, erases again whom the bank had erased since the backup.
 * Every service remembers whom it erased; what any of them remembers is carried out by all, or by the one that was
 * restored. Ends when each has removed what had come back; running it again changes nothing.
 */
export async function replayErasures(clients: Pick<Clients, 'operations'>, flags: ReplayFlags): Promise<void> {
  const since = new Date(flags.since);
  if (Number.isNaN(since.getTime()))
    throw new OperatorError(`--since is the time of the backup, such as 2026-03-01T02:00Z; ${flags.since} is none`);
  const targets = chosenServices(flags);
  const known = new Map<string, Erasure>();
  for (const service of serviceNames)
    for (const one of await listed(clients, service, { since, openOnly: false })) known.set(one.subject, one);
  const erasures = [...known.values()];
  const progress = openProgress(flags.json === true);
  const results: { service: ServiceName; erasures: number; cameBack: number; known: number }[] = [];
  for (const service of targets) {
    const step = progress.step(`erasures in ${service}`, erasures.length);
    const result = { service, erasures: erasures.length, cameBack: 0, known: 0 };
    for (let at = 0; at < erasures.length; at += BATCH) {
      const some = erasures.slice(at, at + BATCH);
      const answer = await clients.operations[service].replayErasures(
        { parent: `services/${service}`, erasures: some, requestId: randomUUID() },
        { timeoutMs: TIMEOUT_MS },
      );
      result.cameBack += answer.unknown;
      result.known += answer.known;
    }
    for (let shown = 0, end = Date.now() + PATIENCE_MS; ; ) {
      const open = (await listed(clients, service, { since: undefined, openOnly: true })).filter(({ subject }) =>
        known.has(subject),
      );
      step.advance(erasures.length - open.length - shown);
      shown = erasures.length - open.length;
      if (open.length === 0) break;
      if (Date.now() > end)
        throw new OperatorError(
          `${service} has not removed ${open.length} of them yet; see its log, and run this again`,
        );
      await sleep(LOOK_MS);
    }
    step.done();
    results.push(result);
  }
  print(flags.json === true, results, function* () {
    if (erasures.length === 0) yield `Nobody was erased since ${since.toISOString()}.`;
    else
      yield* table(
        ['service', 'erasures', 'not known any more', 'known'],
        results.map((one) => [one.service, one.erasures, one.cameBack, one.known]),
      );
  });
}
