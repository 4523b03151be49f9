import { type Queryable, type Scope, scopeFilter, sql, type Sql, type Tx } from '@rapport/kit/db';
import {
  type ListDifference,
  type ListUpload,
  type ListUploadMode,
  ListUploadState,
} from '@rapport/proto/segmentation/v1';
import { fail } from '../errors.js';
import { dateMessage, dayOf } from '../segment/segment.js';

const {
  LIST_UPLOAD_STATE_RECEIVING: receiving,
  LIST_UPLOAD_STATE_CHECKED: checked,
  LIST_UPLOAD_STATE_WAITING: waiting,
  LIST_UPLOAD_STATE_APPLYING: applying,
  LIST_UPLOAD_STATE_REJECTED: rejected,
  LIST_UPLOAD_STATE_CANCELLED: cancelled,
} = ListUploadState;

/** What changes, as Postgres keeps it. */
export type Difference = Record<keyof ListDifference, number>;

/** Nothing changes. */
export const noDifference: Difference = { added: 0, updated: 0, unchanged: 0, removed: 0, absent: 0 };

/** An upload with what is needed of its list, as Postgres gives it. */
export interface UploadRow {
  list_id: string;
  upload_id: string;
  mode: ListUploadMode;
  state: ListUploadState;
  file_name: string;
  checksum: string;
  expected_rows: bigint;
  received_rows: bigint;
  accepted: bigint;
  rejected: bigint;
  difference: Difference | null;
  applied: Partial<Difference>;
  checked_version: number | null;
  version: number | null;
  apply_date: string | null;
  ended_through: string | null;
  created_by: string;
  create_time: Date;
  check_time: Date | null;
  applied_by: string;
  approved_by: string;
  approve_time: Date | null;
  rejected_by: string;
  reject_reason: string;
  complete_time: Date | null;
  organisation_path: string;
  latest_version: number;
  retire_time: Date | null;
}

/** What `UploadRow` is selected from; conditions may name `u` and `l`. */
export const uploadRows: Sql = sql`
  SELECT u.list_id, u.upload_id, u.mode, u.state, u.file_name, u.checksum, u.expected_rows, u.received_rows, u.accepted,
    u.rejected, u.difference, u.applied, u.checked_version, u.version, u.apply_date, u.ended_through, u.created_by,
    u.create_time, u.check_time, u.applied_by, u.approved_by, u.approve_time, u.rejected_by, u.reject_reason,
    u.complete_time, l.organisation_path, l.latest_version, l.retire_time
  FROM list_upload u JOIN static_list l USING (list_id)`;

/** The ids in `staticLists/{id}/uploads/{uuid}`. */
export function uploadIdsOf(name: string): { listId: string; uploadId: string } {
  const [, listId = '', , uploadId = ''] = name.split('/');
  return { listId, uploadId };
}

/** `staticLists/{id}/uploads/{uuid}`. */
export function uploadName({ list_id: listId, upload_id: uploadId }: Pick<UploadRow, 'list_id' | 'upload_id'>): string {
  return `staticLists/${listId}/uploads/${uploadId}`;
}

/** An upload inside the scope by its name. Throws UPLOAD_NOT_FOUND. */
export async function findUpload(on: Queryable, scope: Scope, name: string): Promise<UploadRow> {
  const { listId, uploadId } = uploadIdsOf(name);
  const row = await on.maybe<UploadRow>(sql`${uploadRows}
    WHERE u.list_id = ${listId} AND u.upload_id = ${uploadId}::uuid
      AND ${scopeFilter(scope, { path: 'l.organisation_path' })}`);
  if (!row) throw fail('UPLOAD_NOT_FOUND', { metadata: { upload: name } });
  return row;
}

/** The same, with its list held until the transaction ends. Throws UPLOAD_NOT_FOUND. */
export async function lockUpload(tx: Tx, scope: Scope, name: string): Promise<UploadRow> {
  await tx.run(sql`SELECT FROM static_list WHERE list_id = ${uploadIdsOf(name).listId} FOR UPDATE`);
  return findUpload(tx, scope, name);
}

/** What may be done with an upload. */
export type UploadStep = 'receive' | 'check' | 'apply' | 'approve' | 'reject' | 'cancel';

const from: Readonly<Record<UploadStep, readonly ListUploadState[]>> = {
  receive: [receiving],
  check: [receiving, checked, waiting],
  apply: [checked],
  approve: [waiting],
  reject: [waiting],
  cancel: [receiving, checked, waiting],
};

/** Where a step leads that was taken before, so that taking it again changes nothing. */
const done: Readonly<Partial<Record<UploadStep, ListUploadState>>> = { reject: rejected, cancel: cancelled };

/** Whether a step was taken before. Throws UPLOAD_STATE when it is not possible where the upload stands. */
export function wasDone(row: Pick<UploadRow, 'state' | 'list_id' | 'upload_id'>, step: UploadStep): boolean {
  if (row.state === done[step]) return true;
  if (from[step].includes(row.state)) return false;
  const state = (ListUploadState[row.state] ?? '').replace('LIST_UPLOAD_STATE_', '').toLowerCase();
  throw fail('UPLOAD_STATE', { metadata: { upload: uploadName(row), state } });
}

/** Throws LIST_RETIRED when the list of an upload was. */
export function assertOpen(row: Pick<UploadRow, 'list_id' | 'retire_time'>): void {
  if (row.retire_time) throw fail('LIST_RETIRED', { metadata: { list: `staticLists/${row.list_id}` } });
}

/** Throws LIST_CHANGED unless the list is as it was when the upload was compared with it. */
export function assertUnchanged(row: UploadRow): void {
  if (row.checked_version === row.latest_version) return;
  throw fail('LIST_CHANGED', { metadata: { upload: uploadName(row) } });
}

/** Begins to apply an upload, as the next version of its list, from a day on. */
export async function beginApplying(tx: Tx, row: UploadRow, day: string, at: Date): Promise<void> {
  await tx.run(sql`
    WITH l AS (
      UPDATE static_list SET latest_version = latest_version + 1 WHERE list_id = ${row.list_id}
      RETURNING list_id, latest_version)
    UPDATE list_upload u SET state = ${applying}, version = l.latest_version, apply_date = ${day}::date, change_time = ${at}
    FROM l WHERE u.list_id = l.list_id AND u.upload_id = ${row.upload_id}::uuid`);
}

function differenceMessage(difference: Partial<Difference>): ListDifference {
  const { added, updated, unchanged, removed, absent } = { ...noDifference, ...difference };
  return {
    added: BigInt(added),
    updated: BigInt(updated),
    unchanged: BigInt(unchanged),
    removed: BigInt(removed),
    absent: BigInt(absent),
  };
}

/** The upload as the contract shows it. */
export function uploadMessage(row: UploadRow): ListUpload {
  const day = dayOf(row.apply_date);
  return {
    name: uploadName(row),
    mode: row.mode,
    state: row.state,
    fileName: row.file_name,
    checksum: row.checksum,
    expectedRows: row.expected_rows,
    receivedRows: row.received_rows,
    accepted: row.accepted,
    rejected: row.rejected,
    difference: row.difference ? differenceMessage(row.difference) : undefined,
    applied: row.version === null ? undefined : differenceMessage(row.applied),
    version: row.version ?? 0,
    applyDate: day === undefined ? undefined : dateMessage(day),
    createdBy: row.created_by,
    createTime: row.create_time,
    checkTime: row.check_time ?? undefined,
    approvedBy: row.approved_by,
    approveTime: row.approve_time ?? undefined,
    rejectedBy: row.rejected_by,
    rejectReason: row.reject_reason,
    completeTime: row.complete_time ?? undefined,
  };
}
