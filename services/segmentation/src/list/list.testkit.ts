// Uploads as people send them, for tests.
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type ListUpload,
  ListUploadMode,
  ListUploadRow,
  ListUploadState,
  type ListUploadRow as Row,
} from '@rapport/proto/segmentation/v1';
import type { Suite } from '../segmentation.testkit.js';

type Client = ReturnType<Suite['lists']>;

/** A row that names its party so. */
export const row = (party: string, line = 1, over: Partial<Row> = {}): Row =>
  ListUploadRow.fromPartial({ party, line: BigInt(line), ...over });

/** What came back; every answer has it. */
export function uploaded({ upload }: { upload?: ListUpload | undefined }): ListUpload {
  if (!upload) throw new Error('the answer has no upload');
  return upload;
}

/** Begins an upload; gives its name. */
export async function begin(client: Client, listId: string, mode = ListUploadMode.LIST_UPLOAD_MODE_ADD, rows = 0) {
  const request = { parent: `staticLists/${listId}`, mode, fileName: 'people.csv', checksum: '' };
  return uploaded(await client.createListUpload({ ...request, expectedRows: BigInt(rows), requestId: uuidv7() })).name;
}

/** Brings rows of an upload. */
export async function bring(client: Client, name: string, rows: Row[], firstRow = 0, requestId = uuidv7()) {
  return uploaded(await client.addListUploadRows({ name, firstRow: BigInt(firstRow), rows, requestId }));
}

/** Waits until an upload is applied. */
export async function applied(client: Client, name: string): Promise<ListUpload> {
  for (let tries = 0; ; tries += 1) {
    const upload = uploaded(await client.getListUpload({ name }));
    if (upload.state === ListUploadState.LIST_UPLOAD_STATE_APPLIED) return upload;
    if (tries === 400) throw new Error(`the upload stands at ${ListUploadState[upload.state]}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A whole file onto a list, as one person sends it and, where that is needed, another approves it. */
export async function sendFile(
  suite: Suite,
  listId: string,
  rows: Row[],
  mode = ListUploadMode.LIST_UPLOAD_MODE_ADD,
  client = suite.lists(['marketer']),
): Promise<ListUpload> {
  const name = await begin(client, listId, mode);
  await bring(client, name, rows);
  await client.checkListUpload({ name, requestId: uuidv7() });
  const { state } = uploaded(await client.applyListUpload({ name, requestId: uuidv7() }));
  if (state === ListUploadState.LIST_UPLOAD_STATE_WAITING) {
    const approver = suite.lists(['marketing_approver'], '/', 'staff/approver');
    await approver.approveListUpload({ name, requestId: uuidv7() });
  }
  return applied(client, name);
}
