import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ImportKind, type ImportRow } from '@rapport/proto/customer/v1';
import type { Clients } from '../clients.js';
import { readEvents, readSchemas } from '../fineract/events.js';
import { type FineractRecord, lineOf, recordIn } from '../fineract/records.js';
import { readInstance } from '../fineract/rest.js';
import { type PassedOver, rowsOf } from '../fineract/rows.js';
import { openInput } from '../importing/input.js';
import { checkFlags, type ImportFlags, printImports, runImport } from '../importing/run.js';
import { rowMessage } from '../importing/row.js';
import { OperatorError } from '../suite.js';

interface FineractFlags extends ImportFlags {
  readonly url: string;
  readonly tenant?: string;
  readonly user: string;
  readonly passwordFile: string;
}

/** `rapport import fineract`: brings clients, accounts, loans and transactions of an Apache Fineract in, over REST. */
export async function importFineract(clients: Clients, flags: FineractFlags): Promise<void> {
  checkFlags(flags);
  if (!URL.canParse(flags.url)) throw new OperatorError('--url must be the base address of the API, https://…/api/v1');
  const password = await readFile(flags.passwordFile, 'utf8').catch(() => {
    throw new OperatorError(`There is no password file ${flags.passwordFile}.`);
  });
  const instance = { url: flags.url, tenant: flags.tenant ?? 'default', user: flags.user, password: password.trim() };
  await bring(clients, flags, `fineract-${instance.tenant}`, readInstance(instance), new Map());
}

/** `rapport import fineract-events <folder>`: brings what business events of an Apache Fineract say in. */
export async function importFineractEvents(
  clients: Clients,
  from: string,
  flags: ImportFlags & { schemas?: string },
): Promise<void> {
  checkFlags(flags);
  const schemas = flags.schemas === undefined ? new Map() : await readSchemas(flags.schemas);
  const passed: PassedOver = new Map();
  await bring(clients, flags, path.basename(from), readEvents(from, schemas, passed), passed);
}

/**
 * Keeps what was read in a temporary file that nobody else can read and imports that: the source may change meanwhile, a
 * broken stream must be sent again as it was.
 */
async function bring(
  clients: Clients,
  flags: ImportFlags,
  name: string,
  records: AsyncIterable<FineractRecord>,
  passed: PassedOver,
): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'rapport-import-'));
  try {
    const file = path.join(folder, 'extract.ndjson');
    const output = createWriteStream(file, { mode: 0o600 });
    for await (const record of records) if (!output.write(lineOf(record))) await once(output, 'drain');
    output.end();
    await once(output, 'finish');
    const input = await openInput(file);
    let total = 0;
    for await (const _row of rowsIn(file, passed)) total += 1;
    const done = await runImport(clients, flags, {
      file: name,
      kind: ImportKind.IMPORT_KIND_UNSPECIFIED,
      words: [input.digest],
      total,
      rows: () => rowsIn(file, new Map()),
    });
    printImports(flags, [done], { passed_over: Object.fromEntries(passed) });
    if (flags.json !== true) for (const [why, count] of passed) process.stdout.write(`Passed over: ${count} ${why}.\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* rowsIn(file: string, passed: PassedOver): AsyncGenerator<ImportRow> {
  let line = 0;
  for await (const text of createInterface({
    input: createReadStream(file, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    line += 1;
    const record = recordIn(text);
    if (record) yield* rowsOf(record, line, passed);
    else {
      const row = { kind: ImportKind.IMPORT_KIND_UNSPECIFIED, field: '', reason: 'SHAPE_UNKNOWN', originalValue: '' };
      yield rowMessage(line, { $case: 'unreadable', value: row });
    }
  }
}
