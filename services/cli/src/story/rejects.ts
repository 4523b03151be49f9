import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Import } from '@rapport/proto/customer/v1';
import type { Reject } from '../bank/bank.js';
import type { Clients } from '../clients.js';

/** All rejects of an import as the customer service keeps them, by line. */
export async function listRejects(clients: Clients, name: string): Promise<Reject[]> {
  const rejects: Reject[] = [];
  let pageToken = '';
  do {
    const page = await clients.customer.listImportRejects({ parent: name, pageSize: 1000, pageToken });
    for (const one of page.rejects) {
      rejects.push({
        file: one.file,
        line: Number(one.line),
        field: one.field,
        reason: one.message || one.reason,
        value: one.originalValue,
      });
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return rejects;
}

/** A CSV cell; one that a spreadsheet would take for a formula is made text. */
function cell(value: string | number): string {
  const text = String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * Writes the reject list: file, line, field, reason and original value of every row that was not taken. What the adapter
 * could not read stands in its own words; the rest as the service said. Gives the path, or undefined when there is none.
 */
export async function writeRejects(
  clients: Clients,
  imports: readonly Import[],
  unread: readonly Reject[],
  file: string,
): Promise<string | undefined> {
  const place = (reject: Reject) => `${reject.file}:${reject.line}`;
  const rejects = new Map(unread.map((reject) => [`${place(reject)}:${reject.field}`, reject]));
  const known = new Set(unread.map(place));
  for (const done of imports) {
    if (!done.counts.some((count) => count.rejected > 0n)) continue;
    for (const reject of await listRejects(clients, done.name)) {
      if (!known.has(place(reject))) rejects.set(`${place(reject)}:${reject.field}`, reject);
    }
  }
  if (rejects.size === 0) return undefined;
  const lines = [...rejects.values()]
    .sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line)
    .map(({ file: name, line, field, reason, value }) => [name, line, field, reason, value].map(cell).join(','));
  await writeFile(file, `${['file,line,field,reason,original_value', ...lines].join('\n')}\n`);
  return path.normalize(file);
}
