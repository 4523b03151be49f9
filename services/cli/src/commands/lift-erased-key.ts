import { randomUUID } from 'node:crypto';
import type { Clients } from '../clients.js';
import { print } from '../output.js';
import { asEmployee } from './segment-lifecycle.js';

export interface LiftFlags {
  readonly source: string;
  readonly reason: string;
  readonly as: string;
  readonly json?: boolean;
}

/**
 * `rapport privacy lift-erased-key`: lets a source bring a key in again whose party was erased, in the name of a data
 * steward. The key alone is let in: whoever comes under it is a new party.
 */
export async function liftErasedKey(
  clients: Pick<Clients, 'sources' | 'performance' | 'as'>,
  sourceKey: string,
  flags: LiftFlags,
): Promise<void> {
  const name = flags.source.startsWith('sources/') ? flags.source : `sources/${flags.source}`;
  const request = { name, sourceKey, reason: flags.reason, requestId: randomUUID() };
  const { eraseTime } = await clients.sources.liftErasedKey(request, await asEmployee(clients, flags.as));
  print(flags.json === true, { source: name, eraseTime }, () => [
    `The party under this key of ${name} was erased at ${eraseTime?.toISOString() ?? '?'}; the next import may bring it in again.`,
  ]);
}
