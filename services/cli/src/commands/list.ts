import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Command } from 'commander';
import { ListEntry, type ListEntryInput, ListRejectReason, StaticList } from '@rapport/proto/segmentation/v1';
import { isDay, isoDate } from '../bank/bank.js';
import type { Clients } from '../clients.js';
import type { Mapping } from '../csv/mapping.js';
import { type Cells, openTable } from '../csv/read.js';
import { openInput } from '../importing/input.js';
import { csvCell, rejectHeading } from '../importing/rejects.js';
import { currentBank } from '../memory.js';
import { print, table } from '../output.js';
import { openProgress } from '../progress.js';
import { OperatorError, type Suite } from '../suite.js';
import { asEmployee } from './segment-lifecycle.js';

/** Rows in one call; as many as it takes. */
const CHUNK = 5000;
/** How many rejects are shown; a file has all. */
const SHOWN = 20;

/** Comma-separated UTF-8 with a header. */
const form: Mapping = {
  rows: 'party',
  encoding: 'utf-8',
  separator: ',',
  quote: '"',
  skipLines: 0,
  empty: new Set(['']),
  currency: '',
  zone: '',
  only: [],
  fields: [],
};

const listName = (text: string): string => (text.startsWith('staticLists/') ? text : `staticLists/${text}`);

/** A row that was not taken, and why. */
interface Reject {
  readonly line: number;
  readonly field: string;
  readonly reason: string;
  readonly value: string;
}

/** A row of the file: what is sent of it, or why nothing is. */
type Row = { readonly entry: ListEntryInput } | { readonly reject: Reject };

function rowOf({ line, cells, broken, raw = '' }: Cells, columns: readonly string[]): Row | undefined {
  if (broken) return { reject: { line, field: '', reason: broken, value: raw } };
  const cell = (column: string) => (cells[columns.indexOf(column)] ?? '').trim();
  const [party, until] = [cell('party'), cell('until')];
  if (party === '' && until === '') return undefined;
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(until);
  const untilDate = parts ? { year: Number(parts[1]), month: Number(parts[2]), day: Number(parts[3]) } : undefined;
  if (until !== '' && !(untilDate && isDay(untilDate)))
    return { reject: { line, field: 'until', reason: 'DATE_INVALID', value: until } };
  // A longer one is no name, and the call would be refused as a whole.
  const name = /^[0-9a-f-]{36}$/.test(party) ? `parties/${party}` : party.slice(0, 200);
  return { entry: { party: name, untilDate, line } };
}

/** The rows of a file with a column `party` and, where days end, one `until` (2026-12-31). */
async function* rowsOf(file: string, name: string): AsyncGenerator<Row> {
  const { columns, records } = await openTable(file, name, form);
  if (!columns.includes('party')) {
    await records[Symbol.asyncIterator]().return?.();
    throw new OperatorError(`${name} needs a column "party"; it may have "until" too, such as 2026-12-31`);
  }
  for await (const record of records) {
    const row = rowOf(record, columns);
    if (row) yield row;
  }
}

/** `rapport list create`. */
async function createList(
  suite: Suite,
  clients: Clients,
  listId: string,
  flags: { title?: string; path?: string; bank?: string; as?: string; json?: boolean },
): Promise<void> {
  const { staticList } = await clients.lists.createStaticList(
    {
      listId,
      title: flags.title ?? listId,
      organisationPath: flags.path ?? `/${await currentBank(suite, clients, flags.bank)}`,
      requestId: randomUUID(),
    },
    await asEmployee(clients, flags.as),
  );
  if (!staticList) throw new Error('the answer has no list');
  print(flags.json === true, StaticList.toJSON(staticList), () => [
    `${staticList.name} was made. Fill it: rapport list upload <csv> --list ${listId}`,
    `Rules ask for it: list.has("${listId}")`,
  ]);
}

/** Where rejects go: all into a file, the first ones onto the screen. */
function openRejects(name: string, to: string | undefined) {
  const first: Reject[] = [];
  const file = to === undefined ? undefined : createWriteStream(to, { mode: 0o600 });
  file?.write(`${rejectHeading}\n`);
  let count = 0;
  return {
    first,
    count: () => count,
    add: async (reject: Reject) => {
      count += 1;
      if (first.length < SHOWN) first.push(reject);
      const { line, field, reason, value } = reject;
      const text = [name, line, field, reason, value].map(csvCell).join(',');
      if (file && !file.write(`${text}\n`)) await once(file, 'drain');
    },
    close: async () => {
      if (!file) return;
      file.end();
      await once(file, 'finish');
    },
  };
}

/** `rapport list upload`: puts the parties of a file on a list. Repeating it changes nothing. */
async function uploadList(
  clients: Clients,
  file: string,
  flags: { list: string; rejects?: string; as?: string; json?: boolean },
): Promise<void> {
  const parent = listName(flags.list);
  const options = { ...(await asEmployee(clients, flags.as)), timeoutMs: 60_000 };
  await clients.lists.getStaticList({ name: parent }, options);
  const input = await openInput(file);
  try {
    // The whole file is read once before its first row is sent: one that cannot be read to its end changes nothing.
    let rows = 0;
    for await (const _row of rowsOf(input.path, input.name)) rows += 1;
    const rejects = openRejects(input.name, flags.rejects);
    const done = { added: 0, updated: 0, unchanged: 0 };
    const step = openProgress(flags.json === true).step(`upload ${input.name}`, rows);
    let chunk: ListEntryInput[] = [];
    const send = async () => {
      if (chunk.length === 0) return;
      const answer = await clients.lists.addListEntries({ parent, entries: chunk, requestId: randomUUID() }, options);
      done.added += answer.added;
      done.updated += answer.updated;
      done.unchanged += answer.unchanged;
      for (const { line, value, reason } of answer.rejects) {
        const why = (ListRejectReason[reason] ?? '').replace('LIST_REJECT_REASON_', '');
        await rejects.add({ line, field: why.startsWith('DATE') ? 'until' : 'party', reason: why, value });
      }
      step.advance(chunk.length);
      step.say(`${rejects.count()} rejected`);
      chunk = [];
    };
    for await (const row of rowsOf(input.path, input.name)) {
      if ('entry' in row) chunk.push(row.entry);
      else {
        await rejects.add(row.reject);
        step.advance();
      }
      if (chunk.length === CHUNK) await send();
    }
    await send();
    await rejects.close();
    step.done(`${rows - rejects.count()} taken, ${rejects.count()} rejected`);
    const result = { list: parent, rows, ...done, rejected: rejects.count(), rejects: rejects.first };
    print(flags.json === true, result, function* () {
      yield `${parent}: ${done.added} added, ${done.updated} updated, ${done.unchanged} unchanged, ${rejects.count()} rejected.`;
      for (const { line, field, reason, value } of rejects.first)
        yield `  ${input.name}:${line}: ${field} ${reason} ${value}`;
      if (rejects.count() === 0) return;
      yield flags.rejects
        ? `Rejected rows stand in ${flags.rejects}.`
        : 'All rejected rows: repeat it with --rejects <file>; nothing is added twice.';
    });
  } finally {
    await input.close();
  }
}

/** `rapport list entries`. */
async function listEntries(
  clients: Clients,
  list: string,
  flags: { ended?: boolean; as?: string; json?: boolean },
): Promise<void> {
  const options = await asEmployee(clients, flags.as);
  const parent = listName(list);
  const entries: ListEntry[] = [];
  for (let pageToken = ''; ; ) {
    const page = await clients.lists.listListEntries(
      { parent, pageSize: 1000, pageToken, ended: flags.ended === true },
      options,
    );
    entries.push(...page.entries);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  print(
    flags.json === true,
    entries.map((one) => ListEntry.toJSON(one)),
    () =>
      entries.length === 0
        ? [
            `Nobody stands on ${parent}. Fill it: rapport list upload <csv> --list ${parent.slice('staticLists/'.length)}`,
          ]
        : table(
            ['party', 'from', 'until', 'by'],
            entries.map(({ party, fromDate, untilDate, changedBy }) => [
              party,
              fromDate ? isoDate(fromDate) : '',
              untilDate ? isoDate(untilDate) : '',
              changedBy,
            ]),
          ),
  );
}

/** The commands under `rapport list`. */
export function listCommands(
  program: Command,
  withClients: (fn: (clients: Clients, at: Suite) => Promise<void>) => Promise<void>,
): void {
  const as = ['--as <employee>', 'in the name of this employee, with the roles that the organisation knows'] as const;
  const json = ['--json', 'print one JSON object'] as const;
  const lists = program.command('list').description('lists of customers that rules ask for');
  lists
    .command('create')
    .description('make a list, empty')
    .argument('<id>', 'lower-case letters, digits and hyphens')
    .option('--title <text>', 'what people call it (the id)')
    .option('--path <path>', 'where in the bank it belongs (the whole bank)')
    .option('--bank <id>', 'which bank (the one of the last story)')
    .option(...as)
    .option(...json)
    .action((id, flags) => withClients((clients, at) => createList(at, clients, id, flags)));
  lists
    .command('upload')
    .description('put the customers of a CSV file on a list: a column party, and until where days end')
    .argument('<csv>', 'the file; - is standard input')
    .requiredOption('--list <list>', 'staticLists/{id} or the id')
    .option('--rejects <file>', 'write the rejected rows to this CSV file')
    .option(...as)
    .option(...json)
    .action((file, flags) => withClients((clients) => uploadList(clients, file, flags)));
  lists
    .command('entries')
    .description('who stands on a list')
    .argument('<list>', 'staticLists/{id} or the id')
    .option('--ended', 'those whose days are over too')
    .option(...as)
    .option(...json)
    .action((list, flags) => withClients((clients) => listEntries(clients, list, flags)));
}
