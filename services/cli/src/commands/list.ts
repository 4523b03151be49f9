import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import {
  GetStaticListResponse,
  ListEntry,
  ListUpload,
  ListUploadReject,
  ListUploadState,
  StaticList,
} from '@rapport/proto/segmentation/v1';
import { isoDate } from '../bank/bank.js';
import type { Clients } from '../clients.js';
import { currentBank } from '../memory.js';
import { print, table } from '../output.js';
import { openProgress } from '../progress.js';
import { OperatorError, type Suite } from '../suite.js';
import {
  differenceWords,
  followUpload,
  listName,
  modes,
  nextWords,
  reasonWord,
  saveListRejects,
  sendList,
  stateWord,
  uploadOf,
} from './list-send.js';
import { asEmployee } from './segment-lifecycle.js';

interface Flags {
  as?: string;
  json?: boolean;
}

/** `rapport list create`. */
async function createList(
  suite: Suite,
  clients: Clients,
  listId: string,
  flags: Flags & { title?: string; path?: string; bank?: string },
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
    `${staticList.name} was made. Fill it: rapport list send <csv> --list ${listId}`,
    `Rules ask for it: list.has("${listId}")`,
  ]);
}

/** `rapport list show`: a list with its last uploads; without a name, all lists. */
async function showList(clients: Clients, list: string | undefined, flags: Flags & { retired?: boolean }) {
  const options = await asEmployee(clients, flags.as);
  if (list === undefined) {
    const lists: StaticList[] = [];
    for (let pageToken = ''; ; ) {
      const page = await clients.lists.listStaticLists(
        { pageSize: 1000, pageToken, organisationPath: '', query: '', retired: flags.retired === true },
        options,
      );
      lists.push(...page.staticLists);
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    const rows = lists.map((one) => [
      one.name.slice('staticLists/'.length),
      one.title,
      one.organisationPath,
      one.latestVersion,
      one.retireTime ? 'retired' : '',
    ]);
    print(
      flags.json === true,
      lists.map((one) => StaticList.toJSON(one)),
      () =>
        lists.length === 0
          ? ['There are no lists. Make one: rapport list create <id>']
          : table(['list', 'title', 'path', 'version', ''], rows),
    );
    return;
  }
  const parent = listName(list);
  const found = await clients.lists.getStaticList({ name: parent }, options);
  const { uploads } = await clients.lists.listListUploads(
    { parent, checksum: '', state: ListUploadState.LIST_UPLOAD_STATE_UNSPECIFIED, pageSize: 20, pageToken: '' },
    options,
  );
  const result = {
    ...(GetStaticListResponse.toJSON(found) as object),
    uploads: uploads.map((one) => ListUpload.toJSON(one)),
  };
  print(flags.json === true, result, function* () {
    const { staticList, entries, pending, segments, schemes } = found;
    yield `${parent} · ${staticList?.title ?? ''} · ${staticList?.organisationPath ?? ''}`;
    yield `${entries} stand on it, version ${staticList?.latestVersion ?? 0}${pending > 0n ? `, ${pending} changes on their way to rules` : ''}`;
    if (staticList?.retireTime) yield `Retired by ${staticList.retiredBy}.`;
    const users = [...segments, ...schemes];
    if (users.length > 0) yield `In use by ${users.join(', ')}: another person approves each change.`;
    if (uploads.length === 0) yield `No file was sent yet: rapport list send <csv> --list ${list}`;
    else
      yield* table(
        ['version', 'mode', 'state', 'file', 'rows', 'rejected', 'changes', 'by', 'upload'],
        uploads.map((one) => [
          one.version || '',
          Object.keys(modes).find((mode) => modes[mode] === one.mode) ?? '',
          stateWord(one.state),
          one.fileName,
          String(one.receivedRows),
          String(one.rejected),
          one.applied || one.difference ? differenceWords(one.applied ?? one.difference) : '',
          one.createdBy,
          one.name,
        ]),
      );
  });
}

/** `rapport list rejects`. */
async function showRejects(clients: Clients, name: string, flags: Flags & { to?: string }): Promise<void> {
  const options = { ...(await asEmployee(clients, flags.as)), timeoutMs: 120_000 };
  if (flags.to !== undefined) {
    await saveListRejects(clients, name, flags.to, options);
    print(flags.json === true, { upload: name, file: flags.to }, () => [`Rejected rows stand in ${flags.to ?? ''}.`]);
    return;
  }
  const rejects: ListUploadReject[] = [];
  for (let pageToken = ''; ; ) {
    const page = await clients.lists.listListUploadRejects({ parent: name, pageSize: 1000, pageToken }, options);
    rejects.push(...page.rejects);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  print(
    flags.json === true,
    rejects.map((one) => ListUploadReject.toJSON(one)),
    () =>
      rejects.length === 0
        ? ['Every row was taken.']
        : table(
            ['line', 'field', 'reason', 'value'],
            rejects.map(({ line, field, reason, value }) => [String(line), field, reasonWord(reason), value]),
          ),
  );
}

/** What may be done to an upload with one word. */
type Step = 'apply' | 'approve' | 'cancel' | 'reject';

/** `rapport list apply`, `approve`, `reject` and `cancel`. */
async function moveUpload(clients: Clients, step: Step, name: string, flags: Flags & { reason?: string }) {
  const options = await asEmployee(clients, flags.as);
  const request = { name, requestId: randomUUID() };
  const asked = {
    apply: () => clients.lists.applyListUpload(request, options),
    approve: () => clients.lists.approveListUpload(request, options),
    cancel: () => clients.lists.cancelListUpload(request, options),
    reject: () => clients.lists.rejectListUpload({ ...request, reason: flags.reason ?? '' }, options),
  };
  const progress = openProgress(flags.json === true);
  const upload = await followUpload(clients, uploadOf(await asked[step]()), progress, options);
  print(flags.json === true, ListUpload.toJSON(upload), function* () {
    yield `${name} is ${stateWord(upload.state)}${upload.applied ? `: ${differenceWords(upload.applied)}` : ''}.`;
    yield* nextWords(upload);
  });
}

/** `rapport list retire`. */
async function retireList(clients: Clients, list: string, flags: Flags): Promise<void> {
  const options = await asEmployee(clients, flags.as);
  const { staticList } = await clients.lists.retireStaticList(
    { name: listName(list), requestId: randomUUID() },
    options,
  );
  if (!staticList) throw new Error('the answer has no list');
  print(flags.json === true, StaticList.toJSON(staticList), () => [`${staticList.name} is retired.`]);
}

/** `rapport list entries`. */
async function listEntries(
  clients: Clients,
  list: string,
  flags: Flags & { ended?: boolean; asOf?: string },
): Promise<void> {
  const options = await asEmployee(clients, flags.as);
  const parent = listName(list);
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(flags.asOf ?? '') ?? [];
  if (flags.asOf !== undefined && year === undefined) throw new OperatorError('--as-of is a day such as 2026-12-31');
  const asOf = year === undefined ? undefined : { year: Number(year), month: Number(month), day: Number(day) };
  const entries: ListEntry[] = [];
  for (let pageToken = ''; ; ) {
    const page = await clients.lists.listListEntries(
      { parent, pageSize: 1000, pageToken, ended: flags.ended === true, asOf },
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
        ? [`Nobody stands on ${parent}. Fill it: rapport list send <csv> --list ${parent.slice('staticLists/'.length)}`]
        : table(
            ['party', 'from', 'until', 'version', 'by', 'note'],
            entries.map(({ party, fromDate, untilDate, version, changedBy, note }) => [
              party,
              fromDate ? isoDate(fromDate) : '',
              untilDate ? isoDate(untilDate) : '',
              version || '',
              changedBy,
              note,
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
  const upload = ['<upload>', 'staticLists/{id}/uploads/{uuid}, as `list show` has it'] as const;
  const listArgument = ['<list>', 'staticLists/{id} or the id'] as const;
  const lists = program.command('list').description('lists of customers that rules ask for');
  const command = (name: string, text: string) =>
    lists
      .command(name)
      .description(text)
      .option(...as)
      .option(...json);
  command('create', 'make a list, empty')
    .argument('<id>', 'lower-case letters, digits and hyphens')
    .option('--title <text>', 'what people call it (the id)')
    .option('--path <path>', 'where in the bank it belongs (the whole bank)')
    .option('--bank <id>', 'which bank (the one of the last story)')
    .action((id, flags) => withClients((clients, at) => createList(at, clients, id, flags)));
  const sending = (name: string, text: string) =>
    command(name, text)
      .argument('<csv>', 'the file; - is standard input')
      .requiredOption('--list <list>', 'staticLists/{id} or the id')
      .option('--source <source>', 'whose keys stand in the column source_key (any)')
      .option('--rejects <file>', 'write the rejected rows to this CSV file')
      .option('--check', 'only say what would change');
  sending('send', 'put the customers of a CSV file on a list, or make the list exactly these')
    .alias('upload')
    .option('--mode <mode>', 'add, replace or remove', 'add')
    .option('--yes', 'replace without a look at what would change')
    .action((file, flags) => withClients((clients) => sendList(clients, file, flags)));
  sending('remove', 'take the customers of a CSV file off a list').action((file, flags) =>
    withClients((clients) => sendList(clients, file, { ...flags, mode: 'remove' })),
  );
  command('show', 'a list with its versions and uploads; without a name, all lists')
    .argument('[list]', 'staticLists/{id} or the id')
    .option('--retired', 'retired lists too')
    .action((list, flags) => withClients((clients) => showList(clients, list, flags)));
  command('rejects', 'the rows of an upload that were not taken')
    .argument(...upload)
    .option('--to <file>', 'write them to this CSV file')
    .action((name, flags) => withClients((clients) => showRejects(clients, name, flags)));
  for (const [step, text] of [
    ['apply', 'change the list as a checked upload says'],
    ['approve', 'approve an upload to a list that something in use asks for, as another person'],
    ['cancel', 'give an upload up'],
  ] as const)
    command(step, text)
      .argument(...upload)
      .action((name, flags) => withClients((clients) => moveUpload(clients, step, name, flags)));
  command('reject', 'send an upload that waits for approval back')
    .argument(...upload)
    .requiredOption('--reason <text>', 'why')
    .action((name, flags) => withClients((clients) => moveUpload(clients, 'reject', name, flags)));
  command('retire', 'take a list out of use for good')
    .argument(...listArgument)
    .action((list, flags) => withClients((clients) => retireList(clients, list, flags)));
  command('entries', 'who stands on a list')
    .argument(...listArgument)
    .option('--ended', 'those whose days are over too')
    .option('--as-of <day>', 'who stood on it on this day')
    .action((list, flags) => withClients((clients) => listEntries(clients, list, flags)));
}
