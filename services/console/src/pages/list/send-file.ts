import { addUploadRows, createUpload, listOpenUploads, moveUpload, type UploadRow } from '../../api/lists.js';
import { type Columns, rowOf } from './columns.js';
import { checksumOf, readRecords, textOf } from './read-file.js';

/** Rows and characters of one call: the gateway takes a megabyte. */
const MOST_ROWS = 1000;
const MOST_CHARACTERS = 250_000;

/** What is sent, and as what. */
export interface Sending {
  list: string;
  file: File;
  separator: string;
  width: number;
  columns: Columns;
  mode: string;
}

async function* rowsOf({ file, separator, width, columns }: Sending): AsyncGenerator<UploadRow> {
  let heading = true;
  for await (const record of readRecords(textOf(file), separator)) {
    if (!heading) yield rowOf(record, width, columns);
    heading = false;
  }
}

/**
 * Sends a file as an upload and has it checked; gives the upload's name. The file is read once before, so that one that
 * cannot be read to its end changes nothing. An upload of the same file that broke off is gone on with. `progress` hears how
 * many rows of how many are there; the signal ends it between two calls.
 */
export async function sendFile(
  sending: Sending,
  progress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<string> {
  let total = 0;
  for await (const _row of rowsOf(sending)) {
    total += 1;
    signal.throwIfAborted();
  }
  const checksum = await checksumOf(sending.file);
  const { uploads } = checksum ? await listOpenUploads(sending.list, checksum) : { uploads: [] };
  const open = uploads.find(({ mode, expectedRows }) => mode === sending.mode && expectedRows === String(total));
  const { upload } = open
    ? { upload: open }
    : await createUpload(sending.list, {
        ...{ mode: sending.mode, fileName: sending.file.name.slice(-200), checksum, expectedRows: String(total) },
      });
  let next = Number(upload.receivedRows);
  let [place, chunk, characters] = [0, [] as UploadRow[], 0];
  const send = async (): Promise<void> => {
    if (chunk.length === 0) return;
    signal.throwIfAborted();
    await addUploadRows(upload.name, next, chunk);
    next += chunk.length;
    [chunk, characters] = [[], 0];
    progress(next, total);
  };
  progress(next, total);
  for await (const row of rowsOf(sending)) {
    if (place >= next + chunk.length) {
      chunk.push(row);
      characters += JSON.stringify(row).length;
    }
    place += 1;
    if (chunk.length === MOST_ROWS || characters > MOST_CHARACTERS) await send();
  }
  await send();
  await moveUpload({ name: upload.name, step: 'check' });
  return upload.name;
}
