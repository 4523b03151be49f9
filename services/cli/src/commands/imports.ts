import { randomUUID } from 'node:crypto';
import { ImportState } from '@rapport/proto/customer/v1';
import type { Clients } from '../clients.js';
import { rejectHeading, rejectLine, rejectsOf, saveRejects } from '../importing/rejects.js';
import { importJson, printImports, totals, wordOf } from '../importing/run.js';
import { print, table } from '../output.js';

const nameOf = (text: string): string => (text.startsWith('imports/') ? text : `imports/${text}`);

/** `rapport import rejects <import>`: what an import did not take. */
export async function importRejects(
  clients: Clients,
  name: string,
  flags: { json?: boolean; csv?: boolean; out?: string },
): Promise<void> {
  const from = nameOf(name);
  if (flags.out !== undefined) {
    const rejects = await saveRejects(clients, from, flags.out);
    print(flags.json === true, { file: flags.out, rejects }, () => [`${rejects} rejected rows stand in ${flags.out}.`]);
    return;
  }
  if (flags.csv) {
    process.stdout.write(`${rejectHeading}\n`);
    for await (const reject of rejectsOf(clients, from)) process.stdout.write(`${rejectLine(reject)}\n`);
    return;
  }
  const rejects: { file: string; line: number; field: string; reason: string; message: string; value: string }[] = [];
  for await (const { file, line, field, reason, message, originalValue } of rejectsOf(clients, from)) {
    rejects.push({ file, line: Number(line), field, reason, message, value: originalValue });
  }
  print(flags.json === true, rejects, () =>
    rejects.length === 0
      ? ['No row was rejected.']
      : table(
          ['file', 'line', 'field', 'reason', 'message', 'original value'],
          rejects.map((one) => [one.file, one.line, one.field, one.reason, one.message, one.value]),
        ),
  );
}

/** `rapport import status <import>`: how far an import is. */
export async function importStatus(clients: Clients, name: string, flags: { json?: boolean }): Promise<void> {
  const answer = await clients.customer.getImport({ name: nameOf(name) });
  printImports(flags, answer.import ? [answer.import] : []);
}

/** `rapport import list`: the newest imports. */
export async function importList(
  clients: Clients,
  flags: { source?: string; path?: string; json?: boolean },
): Promise<void> {
  const { imports } = await clients.customer.listImports({
    pageSize: 50,
    pageToken: '',
    organisationPath: flags.path ?? '',
    source: flags.source ?? '',
  });
  print(flags.json === true, imports.map(importJson), () =>
    table(
      ['import', 'source', 'file', 'state', 'taken', 'rejected', 'begun'],
      imports.map((one) => {
        const { taken, rejected } = totals(one);
        const state = wordOf(ImportState, one.state, 'IMPORT_STATE_');
        return [one.name, one.source, one.file, state, taken, rejected, one.createTime?.toISOString() ?? ''];
      }),
    ),
  );
}

/** `rapport import cancel <import>`: stops an import; whoever sends its rows hears of it. */
export async function importCancel(
  clients: Clients,
  name: string,
  flags: { reason: string; json?: boolean },
): Promise<void> {
  const request = { name: nameOf(name), reason: flags.reason, requestId: randomUUID() };
  const answer = await clients.customer.cancelImport(request);
  printImports(flags, answer.import ? [answer.import] : []);
}
