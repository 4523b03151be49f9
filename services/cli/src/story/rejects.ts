import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Import } from '@rapport/proto/customer/v1';
import type { Reject } from '../bank/bank.js';
import type { Clients } from '../clients.js';
import { csvCell, rejectHeading, rejectsOf } from '../importing/rejects.js';

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
    for await (const one of rejectsOf(clients, done.name)) {
      const reject = { ...one, line: Number(one.line), reason: one.message || one.reason, value: one.originalValue };
      if (!known.has(place(reject))) rejects.set(`${place(reject)}:${reject.field}`, reject);
    }
  }
  if (rejects.size === 0) return undefined;
  const lines = [...rejects.values()]
    .sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line)
    .map(({ file: name, line, field, reason, value }) => [name, line, field, reason, value].map(csvCell).join(','));
  await writeFile(file, `${[rejectHeading, ...lines].join('\n')}\n`);
  return path.normalize(file);
}
