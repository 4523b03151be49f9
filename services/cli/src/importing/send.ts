import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '@rapport/kit/rpc';
import type { Import, ImportHeader, ImportRequest, ImportRow } from '@rapport/proto/customer/v1';
import type { Clients } from '../clients.js';

const BATCH = 2_000;
/** A stream broken by a killed service or database is sent again from its beginning; what was taken counts as unchanged. */
const ATTEMPTS = 60;

/** One import of one file. */
export interface ImportPlan {
  readonly header: ImportHeader;
  /** Reads the rows from their beginning; asked again when a stream breaks. The same rows each time. */
  readonly rows: () => AsyncIterable<ImportRow>;
  /** W3C traceparent under which the whole import runs. */
  readonly traceparent?: string | undefined;
  /** Hears that a stream broke and is sent again. */
  readonly onRetry?: ((reason: string) => void) | undefined;
}

/**
 * Streams rows into the customer service until it has answered for all of them. Gives the import as it ended. Sent again
 * with the same header and rows, it goes on where it broke, and changes nothing once it is complete.
 */
export async function send(clients: Pick<Clients, 'customer'>, plan: ImportPlan): Promise<Import> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await clients.customer.import(messages(plan), {
        timeoutMs: 6 * 60 * 60_000,
        ...(plan.traceparent && { metadata: { traceparent: plan.traceparent } }),
      });
      if (!answer.import) throw new Error('the customer service answered an import without its counts');
      return answer.import;
    } catch (error) {
      // Cancelled: a stream that waited for a connection which did not come about in time; nobody here cancels one.
      const away = error instanceof Failure && ['unavailable', 'conflict', 'cancelled'].includes(error.kind);
      if (!away || attempt >= ATTEMPTS) throw error;
      plan.onRetry?.(error.message);
      await sleep(Math.min(3_000, 250 * 2 ** attempt));
    }
  }
}

async function* messages(plan: ImportPlan): AsyncGenerator<ImportRequest> {
  yield { part: { $case: 'header', value: plan.header } };
  let rows: ImportRow[] = [];
  for await (const row of plan.rows()) {
    rows.push(row);
    if (rows.length === BATCH) {
      yield { part: { $case: 'batch', value: { rows } } };
      rows = [];
    }
  }
  if (rows.length > 0) yield { part: { $case: 'batch', value: { rows } } };
}
