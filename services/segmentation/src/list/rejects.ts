import { type Queryable, sql } from '@rapport/kit/db';
import type { ListRejectReason } from '@rapport/proto/segmentation/v1';

/** A row that was not taken, as Postgres gives it. */
export interface RejectRow {
  row: bigint;
  line: bigint;
  field: string;
  value: string;
  reason: ListRejectReason;
}

/** The rejects of an upload behind one, as they stand in the file. */
export function rejectsAfter(on: Queryable, uploadId: string, after: number, limit: number): Promise<RejectRow[]> {
  return on.rows<RejectRow>(sql`
    SELECT row, line, field, value, reason FROM list_upload_reject
    WHERE upload_id = ${uploadId}::uuid AND row > ${after} ORDER BY row LIMIT ${limit}`);
}
