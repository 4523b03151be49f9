import { get, nameOf, write } from './client.js';
import type { Paged } from './types.js';

export interface Import {
  /** `imports/{uuid}`. */
  name: string;
  source: string;
  file: string;
  organisationPath: string;
  kind: string;
  state: string;
  counts: { kind: string; created: string; updated: string; unchanged: string; rejected: string }[];
  createTime?: string;
  completeTime?: string;
  cancelledBy: string;
  cancelReason: string;
}

export interface ImportReject {
  file: string;
  line: string;
  kind: string;
  field: string;
  reason: string;
  message: string;
  originalValue: string;
}

/** Imports, newest first. */
export const listImports = (source: string, pageToken: string, signal?: AbortSignal) =>
  get<{ imports: Import[] } & Paged>('imports', { source, pageSize: 20, pageToken }, signal);

export const getImport = (id: string, signal?: AbortSignal) =>
  get<{ import: Import }>(nameOf('imports', id), {}, signal);

export const listImportRejects = (id: string, pageSize: number, pageToken: string, signal?: AbortSignal) =>
  get<{ rejects: ImportReject[] } & Paged>(`${nameOf('imports', id)}/rejects`, { pageSize, pageToken }, signal);

/** Every rejected row of an import, page after page. */
export async function allImportRejects(id: string): Promise<ImportReject[]> {
  const all: ImportReject[] = [];
  let token = '';
  do {
    const { rejects, nextPageToken } = await listImportRejects(id, 1000, token);
    all.push(...rejects);
    token = nextPageToken;
  } while (token);
  return all;
}

/** Stops an import that is coming in; what was taken stays. */
export const cancelImport = (id: string, reason: string) =>
  write<{ import: Import }>(`${nameOf('imports', id)}:cancel`, { reason });

/** Lets a key whose party was erased come in again. */
export const liftErasedKey = (source: string, { sourceKey, reason }: { sourceKey: string; reason: string }) =>
  write<{ eraseTime?: string }>(`sources/${source}:liftErasedKey`, { sourceKey, reason });
