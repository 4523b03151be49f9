import { ImportKind } from '@rapport/proto/customer/v1';
import { type AccountKey, transactionsOf } from '../camt/rows.js';
import { type BalanceCheck, readStatements } from '../camt/statement.js';
import type { Clients } from '../clients.js';
import { readMapping } from '../csv/mapping.js';
import { openTable } from '../csv/read.js';
import { decoded } from '../importing/decode.js';
import { type Input, openInput } from '../importing/input.js';
import { checkFlags, type ImportFlags, printImports, runImport } from '../importing/run.js';
import { OperatorError } from '../suite.js';

interface CamtFlags extends ImportFlags {
  readonly accountKey?: string;
  readonly accounts?: string;
  readonly encoding?: string;
}

/** `rapport import camt053 <file>`: brings the booked entries of bank statements in as transactions. */
export async function importCamt(clients: Clients, file: string, flags: CamtFlags): Promise<void> {
  checkFlags(flags);
  const template = flags.accountKey ?? '{account}';
  if (!template.includes('{account}')) throw new OperatorError('--account-key must hold {account}');
  const listed = flags.accounts === undefined ? undefined : await openInput(flags.accounts);
  const known = listed ? await accountsIn(listed) : new Map<string, string>();
  const keyOf: AccountKey = (account) => known.get(account) ?? template.replaceAll('{account}', account);
  const input = await openInput(file);
  try {
    const read = () => readStatements(textOf(input, flags), input.name);
    // The whole file is judged before its first row is sent: one that is refused changes nothing.
    const checks: BalanceCheck[] = [];
    let total = 0;
    for await (const part of read()) {
      if (part.is === 'end') checks.push(part.check);
      else if (part.is !== 'statement') total += 1;
    }
    const done = await runImport(clients, flags, {
      file: input.name,
      kind: ImportKind.IMPORT_KIND_TRANSACTION,
      words: [input.digest, template, listed?.digest ?? ''],
      total,
      rows: () => transactionsOf(read(), keyOf),
    });
    const wrong = checks.filter(({ outcome }) => outcome !== 'closes');
    printImports(flags, [done], { statements: checks.length, balances: wrong.slice(0, 1000) });
    if (flags.json !== true) for (const line of balanceLines(checks.length, wrong)) process.stdout.write(`${line}\n`);
  } finally {
    await input.close();
  }
}

const ENCODING = /^(?:\uFEFF)?<\?xml[^>]{0,200}?encoding=["']([A-Za-z0-9._-]{1,40})["']/;

/** The file as text, in the encoding that a flag, its first bytes or its XML declaration say; else UTF-8. */
async function* textOf(input: Input, flags: CamtFlags): AsyncGenerator<string> {
  let label = flags.encoding ?? 'utf-8';
  if (flags.encoding === undefined) {
    const start = await decoded(input.path, 'utf-8').next();
    label = ENCODING.exec(String(start.value ?? ''))?.[1] ?? label;
    // Whoever can read the word knows that the bytes are not two to a letter.
    if (/^utf-?16/i.test(label)) label = 'utf-8';
  }
  try {
    yield* decoded(input.path, label);
  } catch (error) {
    if (error instanceof RangeError) throw new OperatorError(`${input.name}: the encoding ${label} is not known`);
    throw error;
  }
}

/** A list of accounts: what statements call them, and the source keys of their holdings. */
async function accountsIn(input: Input): Promise<Map<string, string>> {
  const read = readMapping(
    'rows: holding\nfields:\n  source_key: key\n  owner: { value: "-" }\n  kind: { value: account }\n  account: account\n',
  );
  if ('mistakes' in read) throw new Error(JSON.stringify(read.mistakes));
  const table = await openTable(input.path, input.name, read.mapping);
  const [account, key] = ['account', 'key'].map((column) => table.columns.indexOf(column)) as [number, number];
  const known = new Map<string, string>();
  for await (const { cells } of table.records) known.set((cells[account] ?? '').replaceAll(' ', ''), cells[key] ?? '');
  return known;
}

function* balanceLines(statements: number, wrong: readonly BalanceCheck[]): Generator<string> {
  const differs = wrong.filter(({ outcome }) => outcome === 'differs');
  yield `${statements} statements; ${statements - wrong.length} lead from their opening to their closing balance, ${differs.length} do not, of ${wrong.length - differs.length} it cannot be told.`;
  for (const { statement, account, line, gapMinor, currency } of differs.slice(0, 20)) {
    yield `  line ${line}: statement ${statement} of ${account} closes ${gapMinor} minor units of ${currency} off`;
  }
}
