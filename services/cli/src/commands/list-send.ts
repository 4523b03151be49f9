import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OutgoingOptions } from '@rapport/kit/rpc';
import {
  type ListDifference,
  ListRejectReason,
  type ListUpload,
  ListUploadMode,
  ListUploadRow,
  ListUploadState,
} from '@rapport/proto/segmentation/v1';
import type { Clients } from '../clients.js';
import type { Mapping } from '../csv/mapping.js';
import { type Cells, openTable } from '../csv/read.js';
import { openInput } from '../importing/input.js';
import { print } from '../output.js';
import { openProgress, type Progress } from '../progress.js';
import { OperatorError } from '../suite.js';
import { asEmployee } from './segment-lifecycle.js';

/** Rows in one call; with notes well below the limit of a message. */
const CHUNK = 2000;
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

/** The columns that a file may have; one of the first four names the party. */
const columnsKnown = ['party', 'source_key', 'account', 'identifier', 'source', 'until', 'note'] as const;

/** How an upload is called for short: as in `--mode`. */
export const modes: Readonly<Record<string, ListUploadMode>> = {
  add: ListUploadMode.LIST_UPLOAD_MODE_ADD,
  replace: ListUploadMode.LIST_UPLOAD_MODE_REPLACE,
  remove: ListUploadMode.LIST_UPLOAD_MODE_REMOVE,
};

export const listName = (text: string): string => (text.startsWith('staticLists/') ? text : `staticLists/${text}`);

/** Where an upload stands, in one word. */
export const stateWord = (state: ListUploadState): string =>
  (ListUploadState[state] ?? '').replace('LIST_UPLOAD_STATE_', '').toLowerCase();

/** Why a row was not taken, as reject lists name it. */
export const reasonWord = (reason: ListRejectReason): string =>
  (ListRejectReason[reason] ?? '').replace('LIST_REJECT_REASON_', '');

/** What changes, in words. */
export function differenceWords(difference: ListDifference | undefined): string {
  const { added = 0n, updated = 0n, unchanged = 0n, removed = 0n } = difference ?? {};
  return `${added} added, ${updated} updated, ${unchanged} unchanged, ${removed} removed`;
}

/** What came back; every answer has it. */
export function uploadOf({ upload }: { upload?: ListUpload | undefined }): ListUpload {
  if (!upload) throw new Error('the answer has no upload');
  return upload;
}

function rowOf({ line, cells, broken, raw = '' }: Cells, columns: readonly string[], source: string): ListUploadRow {
  if (broken) return ListUploadRow.fromPartial({ line: BigInt(line), party: raw.slice(0, 200), unreadable: broken });
  // What is longer than any name is cut, so that its row is a reject and the call is not refused as a whole.
  const cell = (column: (typeof columnsKnown)[number], most = 200) =>
    (cells[columns.indexOf(column)] ?? '').trim().slice(0, most);
  return {
    line: BigInt(line),
    party: cell('party'),
    source: cell('source') || source,
    sourceKey: cell('source_key'),
    account: cell('account'),
    identifier: cell('identifier'),
    until: cell('until'),
    note: cell('note', 1000),
    unreadable: '',
  };
}

/** The rows of a file; those with nothing in them are left out. */
async function* rowsOf(file: string, name: string, source: string): AsyncGenerator<ListUploadRow> {
  const { columns, records } = await openTable(file, name, form);
  if (!columnsKnown.slice(0, 4).some((column) => columns.includes(column))) {
    await records[Symbol.asyncIterator]().return?.();
    throw new OperatorError(
      `${name} needs a column "party" (parties/{id}, the id, or source:key), "source_key", "account" or "identifier"; it may have "source", "until" (2026-12-31) and "note" too`,
    );
  }
  for await (const record of records) {
    const row = rowOf(record, columns, source);
    if (row.unreadable !== '' || record.cells.some((cell) => cell.trim() !== '')) yield row;
  }
}

/** What `rapport list send` is asked for. */
export interface SendFlags {
  list: string;
  mode?: string;
  source?: string;
  rejects?: string;
  check?: boolean;
  yes?: boolean;
  as?: string;
  json?: boolean;
}

/** An upload of the same file that is still coming in, else a new one. */
async function beginOrResume(
  clients: Clients,
  wanted: { parent: string; mode: ListUploadMode; fileName: string; checksum: string; expectedRows: bigint },
  options: OutgoingOptions,
): Promise<ListUpload> {
  const { parent, mode, checksum } = wanted;
  const { uploads } = await clients.lists.listListUploads(
    { parent, checksum, state: ListUploadState.LIST_UPLOAD_STATE_RECEIVING, pageSize: 50, pageToken: '' },
    options,
  );
  const open = uploads.find((one) => one.mode === mode && one.expectedRows === wanted.expectedRows);
  return open ?? uploadOf(await clients.lists.createListUpload({ ...wanted, requestId: randomUUID() }, options));
}

/** Sends the rows of a file that an upload does not have yet. */
async function sendRows(
  clients: Clients,
  upload: ListUpload,
  rows: AsyncIterable<ListUploadRow>,
  progress: Progress,
  options: OutgoingOptions,
): Promise<void> {
  const { name } = upload;
  const step = progress.step(`send ${upload.fileName}`, Number(upload.expectedRows));
  if (upload.receivedRows > 0n) step.advance(Number(upload.receivedRows));
  let [place, next, chunk] = [0n, upload.receivedRows, [] as ListUploadRow[]];
  const send = async () => {
    if (chunk.length === 0) return;
    const request = { name, firstRow: next, rows: chunk, requestId: randomUUID() };
    const now = uploadOf(await clients.lists.addListUploadRows(request, options));
    step.advance(chunk.length);
    step.say(`${now.rejected} rejected`);
    [next, chunk] = [next + BigInt(chunk.length), []];
  };
  for await (const row of rows) {
    if (place >= upload.receivedRows) chunk.push(row);
    place += 1n;
    if (chunk.length === CHUNK) await send();
  }
  await send();
  step.done(`${next} rows`);
}

/** Follows an upload until its list is changed, or somebody else has to do something. */
export async function followUpload(
  clients: Clients,
  upload: ListUpload,
  progress: Progress,
  options: OutgoingOptions,
): Promise<ListUpload> {
  if (upload.state !== ListUploadState.LIST_UPLOAD_STATE_APPLYING) return upload;
  const step = progress.step(`change ${upload.name.split('/').slice(0, 2).join('/')}`);
  for (let now = upload; ; ) {
    if (now.state !== ListUploadState.LIST_UPLOAD_STATE_APPLYING) {
      step.done(stateWord(now.state));
      return now;
    }
    await sleep(500);
    now = uploadOf(await clients.lists.getListUpload({ name: now.name }, options));
    step.say(differenceWords(now.applied));
  }
}

/** Writes all rejects of an upload to a file that only its owner can read. */
export async function saveListRejects(
  clients: Clients,
  name: string,
  to: string,
  options: OutgoingOptions,
): Promise<void> {
  const output = createWriteStream(to, { mode: 0o600 });
  for await (const { chunk } of clients.lists.exportListUploadRejects({ name }, options))
    if (!output.write(chunk)) await once(output, 'drain');
  output.end();
  await once(output, 'finish');
}

/** What is left to do with an upload, in words. */
export function* nextWords({ name, state, mode }: ListUpload): Generator<string> {
  if (state === ListUploadState.LIST_UPLOAD_STATE_CHECKED)
    yield `Nothing is changed yet. ${mode === modes['replace'] ? 'Who is not in the file leaves. ' : ''}Change the list: rapport list apply ${name}`;
  if (state === ListUploadState.LIST_UPLOAD_STATE_WAITING)
    yield `Something in use asks for the list, so another person approves it: rapport list approve ${name} --as <employee>`;
}

/**
 * `rapport list send`: a file of parties onto a list, in its place, or off it. After a break the same command goes on where
 * it stopped; sent again when it is done, the file is another version that changes nothing.
 */
export async function sendList(clients: Clients, file: string, flags: SendFlags): Promise<void> {
  const parent = listName(flags.list);
  const mode = modes[flags.mode ?? 'add'];
  if (mode === undefined) throw new OperatorError('--mode is add, replace or remove');
  const options = { ...(await asEmployee(clients, flags.as)), timeoutMs: 120_000 };
  await clients.lists.getStaticList({ name: parent }, options);
  const input = await openInput(file);
  const progress = openProgress(flags.json === true);
  try {
    const rows = () => rowsOf(input.path, input.name, flags.source ?? '');
    // The whole file is read once before its first row is sent: one that cannot be read to its end changes nothing.
    let count = 0n;
    for await (const _row of rows()) count += 1n;
    if (count === 0n) throw new OperatorError(`${input.name} has no rows below its header.`);
    const wanted = { parent, mode, fileName: input.name, checksum: input.digest, expectedRows: count };
    const open = await beginOrResume(clients, wanted, options);
    const { name } = open;
    await sendRows(clients, open, rows(), progress, options);
    let upload = uploadOf(await clients.lists.checkListUpload({ name, requestId: randomUUID() }, options));
    const asks = flags.check === true || (mode === modes['replace'] && flags.yes !== true);
    if (!asks) {
      upload = uploadOf(await clients.lists.applyListUpload({ name, requestId: randomUUID() }, options));
      upload = await followUpload(clients, upload, progress, options);
    }
    const { rejects } = await clients.lists.listListUploadRejects(
      { parent: name, pageSize: SHOWN, pageToken: '' },
      options,
    );
    if (flags.rejects !== undefined) await saveListRejects(clients, name, flags.rejects, options);
    const { added, updated, unchanged, removed, absent } =
      upload.applied ?? upload.difference ?? ({} as ListDifference);
    const result = {
      ...{ list: parent, upload: name, state: stateWord(upload.state), version: upload.version, rows: count },
      ...{ added, updated, unchanged, removed, absent, rejected: upload.rejected },
      rejects: rejects.map(({ reason, ...one }) => ({ ...one, reason: reasonWord(reason) })),
    };
    print(flags.json === true, result, function* () {
      yield `${name} is ${result.state}: ${differenceWords(upload.applied ?? upload.difference)}, ${upload.rejected} rejected.`;
      for (const { line, field, reason, value } of rejects)
        yield `  ${input.name}:${line}: ${field} ${reasonWord(reason)} ${value}`;
      if (upload.rejected > 0n)
        yield flags.rejects === undefined
          ? `All rejected rows: rapport list rejects ${name} --to <file>`
          : `Rejected rows stand in ${flags.rejects}.`;
      yield* nextWords(upload);
    });
  } finally {
    await input.close();
  }
}
