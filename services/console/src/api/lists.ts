import { get, nameOf, write } from './client.js';
import type { CalendarDate, Paged } from './types.js';

export interface StaticList {
  /** `staticLists/{id}`. */
  name: string;
  title: string;
  organisationPath: string;
  createdBy: string;
  createTime: string;
  latestVersion: number;
  retiredBy: string;
  retireTime?: string;
}

export interface FoundList {
  staticList: StaticList;
  entries: string;
  pending: string;
  /** What in use asks for it. */
  segments: string[];
  schemes: string[];
  /** Whether a change of it needs another person. */
  guarded: boolean;
}

export interface ListEntry {
  party: string;
  fromDate?: CalendarDate;
  untilDate?: CalendarDate;
  changedBy: string;
  changeTime: string;
  note: string;
  version: number;
}

export interface Difference {
  added: string;
  updated: string;
  unchanged: string;
  removed: string;
  absent: string;
}

export interface ListUpload {
  /** `staticLists/{id}/uploads/{uuid}`. */
  name: string;
  /** `LIST_UPLOAD_MODE_…`. */
  mode: string;
  /** `LIST_UPLOAD_STATE_…`. */
  state: string;
  fileName: string;
  checksum: string;
  expectedRows: string;
  receivedRows: string;
  accepted: string;
  rejected: string;
  difference?: Difference;
  applied?: Difference;
  version: number;
  applyDate?: CalendarDate;
  createdBy: string;
  createTime: string;
  approvedBy: string;
  approveTime?: string;
  rejectedBy: string;
  rejectReason: string;
  completeTime?: string;
}

/** A row of a file, as it is sent; what is left out is empty. */
export interface UploadRow {
  line: number;
  party?: string;
  source?: string;
  sourceKey?: string;
  account?: string;
  identifier?: string;
  until?: string;
  note?: string;
  unreadable?: string;
}

export interface ListReject {
  line: string;
  field: string;
  value: string;
  /** `LIST_REJECT_REASON_…`. */
  reason: string;
}

export const listLists = (query: string, retired: boolean, pageToken: string, signal?: AbortSignal) =>
  get<{ staticLists: StaticList[] } & Paged>('staticLists', { query, retired, pageSize: 20, pageToken }, signal);

export const getList = (id: string, signal?: AbortSignal) => get<FoundList>(nameOf('staticLists', id), {}, signal);

export const createList = (list: { listId: string; title: string; organisationPath: string }) =>
  write<{ staticList: StaticList }>('staticLists', list);

export const retireList = (id: string) => write<{ staticList: StaticList }>(`${nameOf('staticLists', id)}:retire`, {});

export const listEntries = (id: string, asOf: string, pageToken: string, signal?: AbortSignal) => {
  const [year, month, day] = asOf.split('-').map(Number);
  const on = asOf ? { 'asOf.year': year, 'asOf.month': month, 'asOf.day': day } : {};
  return get<{ entries: ListEntry[] } & Paged>(
    `${nameOf('staticLists', id)}/entries`,
    { pageSize: 20, pageToken, ...on },
    signal,
  );
};

export const listUploads = (id: string, pageToken: string, signal?: AbortSignal) =>
  get<{ uploads: ListUpload[] } & Paged>(`${nameOf('staticLists', id)}/uploads`, { pageSize: 20, pageToken }, signal);

/** Uploads of the same file that are still coming in. */
export const listOpenUploads = (id: string, checksum: string) =>
  get<{ uploads: ListUpload[] } & Paged>(`${nameOf('staticLists', id)}/uploads`, {
    ...{ checksum, state: 'LIST_UPLOAD_STATE_RECEIVING', pageSize: 20 },
  });

export const getUpload = (name: string, signal?: AbortSignal) => get<{ upload: ListUpload }>(name, {}, signal);

export const createUpload = (
  id: string,
  upload: { mode: string; fileName: string; checksum: string; expectedRows: string },
) => write<{ upload: ListUpload }>(`${nameOf('staticLists', id)}/uploads`, upload);

export const addUploadRows = (name: string, firstRow: number, rows: readonly UploadRow[]) =>
  write<{ upload: ListUpload }>(`${name}:addRows`, { firstRow: String(firstRow), rows });

export type UploadStep = 'check' | 'apply' | 'approve' | 'cancel';

export const moveUpload = ({ name, step }: { name: string; step: UploadStep }) =>
  write<{ upload: ListUpload }>(`${name}:${step}`, {});

export const rejectUpload = ({ name, reason }: { name: string; reason: string }) =>
  write<{ upload: ListUpload }>(`${name}:reject`, { reason });

export const listRejects = (name: string, pageToken: string, signal?: AbortSignal) =>
  get<{ rejects: ListReject[] } & Paged>(`${name}/rejects`, { pageSize: 20, pageToken }, signal);

/** Where all rejects of an upload are downloaded as CSV. */
export const rejectsAddress = (name: string): string => `/api/v1/${name}/rejects:export`;
