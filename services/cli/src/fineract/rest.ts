import { z } from 'zod';
import { OperatorError } from '../suite.js';
import type { FineractRecord } from './records.js';

const PAGE = 200;
const TIMEOUT_MS = 60_000;
const ATTEMPTS = 5;

/** Where an instance of Fineract is and who asks. */
export interface Instance {
  /** Base address of its API, such as https://host:8443/fineract-provider/api/v1. */
  readonly url: string;
  readonly tenant: string;
  readonly user: string;
  readonly password: string;
}

const pageShape = z.object({ totalFilteredRecords: z.number(), pageItems: z.array(z.looseObject({ id: z.number() })) });

/**
 * Reads all clients, then all savings accounts and loans with their transactions, page by page, in the order of their ids.
 * Asks again when the instance is away for a moment. Throws an OperatorError that says what it answered otherwise.
 */
export async function* readInstance(instance: Instance): AsyncGenerator<FineractRecord> {
  for await (const data of pages(instance, 'clients')) yield { is: 'client', data };
  for (const [collection, is] of [
    ['savingsaccounts', 'savings'],
    ['loans', 'loan'],
  ] as const) {
    for await (const { id } of pages(instance, collection)) {
      yield { is, data: await ask(instance, `${collection}/${id}`, { associations: 'transactions' }) };
    }
  }
}

async function* pages(instance: Instance, collection: string): AsyncGenerator<{ id: number }> {
  for (let offset = 0; ; offset += PAGE) {
    const query = { offset: String(offset), limit: String(PAGE), orderBy: 'id', sortOrder: 'ASC' };
    const page = pageShape.safeParse(await ask(instance, collection, query));
    if (!page.success) throw new OperatorError(`${instance.url}/${collection} did not answer a page of Fineract`);
    yield* page.data.pageItems;
    if (page.data.pageItems.length === 0 || offset + PAGE >= page.data.totalFilteredRecords) return;
  }
}

async function ask(instance: Instance, path: string, query: Record<string, string>): Promise<unknown> {
  const address = `${instance.url.replace(/\/$/, '')}/${path}?${new URLSearchParams(query).toString()}`;
  const authorization = `Basic ${Buffer.from(`${instance.user}:${instance.password}`).toString('base64')}`;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(address, {
      headers: { accept: 'application/json', authorization, 'fineract-platform-tenantid': instance.tenant },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    }).catch((error: Error) => error);
    if (!(answer instanceof Error) && answer.ok) return (await answer.json()) as unknown;
    const away = answer instanceof Error || answer.status === 429 || answer.status >= 500;
    if (!away || attempt === ATTEMPTS) {
      const why = answer instanceof Error ? answer.message : `it answered ${answer.status}`;
      throw new OperatorError(`Fineract at ${instance.url} cannot be read (${path}): ${why}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
  }
}
