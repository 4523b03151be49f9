import { type Import, ImportKind, type ImportRow } from '@rapport/proto/customer/v1';
import type { Bank } from '../bank/bank.js';
import { editionOf } from '../bank/edition.js';
import { openBerka } from '../berka/berka.js';
import type { Clients } from '../clients.js';
import { printImports, runImport } from '../importing/run.js';
import { consentRow, holdingRow, partyRow, transactionRow, unreadable } from '../story/import-rows.js';
import { OperatorError } from '../suite.js';

const HOLDINGS = [
  ['account.asc', 'account'],
  ['loan.asc', 'loan'],
  ['card.asc', 'card'],
  ['order.asc', 'standing_order'],
] as const;

/**
 * `rapport import berka <folder>`: brings the bank of the Berka files in, and nothing else of the story: parties with
 * invented names and consents, holdings, transactions, one import a file.
 */
export async function importBerka(clients: Clients, folder: string, flags: { json?: boolean }): Promise<void> {
  const bank = await openBerka(folder).catch((error: Error) => {
    throw new OperatorError(error.message);
  });
  const edition = await editionOf(folder);
  const done: Import[] = [];
  const bring = async <Row>(
    file: string,
    kind: ImportKind,
    rows: () => AsyncIterable<Row>,
    toRow: (row: Row) => ImportRow | undefined,
    title = file,
  ): Promise<void> => {
    const read = () => rowsOf(bank, file, kind, rows, toRow);
    const at = { source: bank.id, path: `/${bank.id}`, ...flags };
    done.push(await runImport(clients, at, { file: title, kind, words: [title, edition], rows: read }));
  };
  await bring('client.asc', ImportKind.IMPORT_KIND_PARTY, bank.parties, partyRow);
  for (const [file, kind] of HOLDINGS) {
    await bring(file, ImportKind.IMPORT_KIND_HOLDING, bank.holdings, (row) =>
      row.kind === kind ? holdingRow(row) : undefined,
    );
  }
  await bring('client.asc', ImportKind.IMPORT_KIND_CONSENT, bank.parties, consentRow, 'consents of client.asc');
  await bring('trans.asc', ImportKind.IMPORT_KIND_TRANSACTION, bank.transactions, transactionRow);
  printImports(flags, done);
}

/** The rows of one file; what could not be read of it goes along at the end. */
async function* rowsOf<Row>(
  bank: Bank,
  file: string,
  kind: ImportKind,
  rows: () => AsyncIterable<Row>,
  toRow: (row: Row) => ImportRow | undefined,
): AsyncGenerator<ImportRow> {
  // Each reading of a file notes anew what it could not read.
  bank.rejects.length = 0;
  for await (const row of rows()) {
    const mapped = toRow(row);
    if (mapped) yield mapped;
  }
  yield* unreadable(
    bank.rejects.filter((reject) => reject.file === file),
    kind,
  );
}
