import type { Clients } from '../clients.js';
import { print, table } from '../output.js';
import { listRejects } from '../story/rejects.js';

/** `rapport import rejects <import>`: what an import did not take. */
export async function importRejects(clients: Clients, name: string, flags: { json?: boolean }): Promise<void> {
  const rejects = await listRejects(clients, name);
  print(flags.json === true, rejects, () =>
    rejects.length === 0
      ? ['No row was rejected.']
      : table(
          ['file', 'line', 'field', 'reason', 'original value'],
          rejects.map((one) => [one.file, one.line, one.field, one.reason, one.value]),
        ),
  );
}
