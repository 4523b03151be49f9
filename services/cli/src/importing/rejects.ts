import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import type { ImportReject } from '@rapport/proto/customer/v1';
import type { Clients } from '../clients.js';

/** The rejects of an import as the customer service keeps them, by line, a page at a time. */
export async function* rejectsOf(clients: Pick<Clients, 'customer'>, name: string): AsyncGenerator<ImportReject> {
  let pageToken = '';
  do {
    const page = await clients.customer.listImportRejects({ parent: name, pageSize: 1000, pageToken });
    yield* page.rejects;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
}

/** The heading of a reject list. */
export const rejectHeading = 'file,line,field,reason,original_value';

/** A CSV cell (RFC 4180); one that a spreadsheet would take for a formula is made text by an apostrophe. */
export function csvCell(value: string | number | bigint): string {
  const text = String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One line of a reject list. */
export function rejectLine(reject: ImportReject): string {
  const { file, line, field, reason, message, originalValue } = reject;
  const why = message === '' || message === 'could not be read' ? reason : `${reason}: ${message}`;
  return [file, line, field, why, originalValue].map(csvCell).join(',');
}

/** Writes the reject list of an import as CSV, readable by its owner alone. Gives how many rows were refused. */
export async function saveRejects(clients: Pick<Clients, 'customer'>, name: string, to: string): Promise<number> {
  const output = createWriteStream(to, { mode: 0o600 });
  let rejects = 0;
  output.write(`${rejectHeading}\n`);
  for await (const reject of rejectsOf(clients, name)) {
    rejects += 1;
    if (!output.write(`${rejectLine(reject)}\n`)) await once(output, 'drain');
  }
  output.end();
  await once(output, 'finish');
  return rejects;
}
