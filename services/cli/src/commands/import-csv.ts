import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clients } from '../clients.js';
import { importKinds } from '../csv/catalogue.js';
import { type Mapping, readMapping } from '../csv/mapping.js';
import { openTable } from '../csv/read.js';
import { rowsOf } from '../csv/rows.js';
import { openInput } from '../importing/input.js';
import { checkFlags, type ImportFlags, printImports, runImport } from '../importing/run.js';
import { OperatorError } from '../suite.js';
import { print } from '../output.js';

/** Reads a mapping file; throws an OperatorError with every mistake as file:line:column. */
export async function mappingIn(file: string): Promise<{ mapping: Mapping; digest: string }> {
  const yaml = await readFile(file, 'utf8').catch(() => {
    throw new OperatorError(`There is no mapping ${file}.`);
  });
  const read = readMapping(yaml);
  if ('mistakes' in read) {
    throw new OperatorError(
      read.mistakes.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`).join('\n'),
    );
  }
  return { mapping: read.mapping, digest: createHash('sha256').update(yaml).digest('hex') };
}

/** `rapport import check-mapping <mapping>`: says what is wrong with a mapping, with a file also whether it fits. */
export async function checkMapping(file: string, flags: { file?: string; json?: boolean }): Promise<void> {
  const { mapping } = await mappingIn(file);
  if (flags.file !== undefined) {
    const input = await openInput(flags.file);
    const table = await openTable(input.path, input.name, mapping);
    await table.records[Symbol.asyncIterator]().return?.();
  }
  const fields = mapping.fields.map(({ name }) => name);
  print(flags.json === true, { rows: mapping.rows, fields }, () => [
    `${file} is a mapping of ${mapping.rows} rows with ${fields.length} fields.`,
  ]);
}

/** `rapport import csv <file>`: brings a CSV file in through a declared mapping. */
export async function importCsv(
  clients: Clients,
  file: string,
  flags: ImportFlags & { mapping: string },
): Promise<void> {
  checkFlags(flags);
  const { mapping, digest } = await mappingIn(flags.mapping);
  const input = await openInput(file);
  try {
    const rows = async function* () {
      yield* rowsOf(await openTable(input.path, input.name, mapping), mapping);
    };
    // The whole file is read once before its first row is sent: one that cannot be read to its end changes nothing.
    let total = 0;
    for await (const _row of rows()) total += 1;
    const done = await runImport(clients, flags, {
      file: input.name,
      kind: importKinds[mapping.rows],
      words: [input.digest, digest],
      total,
      rows,
    });
    printImports(flags, [done]);
  } finally {
    await input.close();
  }
}
