import { audit } from '@rapport/kit/crypto';
import { sql, type Tx } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type CheckListUploadRequest,
  CheckListUploadResponse,
  ListUploadMode,
  ListUploadState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { dateText, today } from '../segment/segment.js';
import { standsOn } from './list.js';
import {
  type Difference,
  findUpload,
  lockUpload,
  noDifference,
  uploadMessage,
  type UploadRow,
  wasDone,
} from './upload.js';

/** What an upload would change on a day, 'YYYY-MM-DD'. */
async function differenceOf(tx: Tx, { list_id: listId, upload_id: uploadId, mode }: UploadRow, day: string) {
  if (mode === ListUploadMode.LIST_UPLOAD_MODE_REMOVE) {
    const counts = await tx.one<Partial<Record<keyof Difference, bigint>>>(sql`
      WITH r AS (SELECT coalesce(a.golden_id, party_id) AS golden FROM list_upload_row LEFT JOIN party_alias a USING (party_id)
          WHERE upload_id = ${uploadId}::uuid),
        e AS (SELECT coalesce(a.golden_id, party_id) AS golden FROM list_entry LEFT JOIN party_alias a USING (party_id)
          WHERE list_id = ${listId} AND ${standsOn(day)})
      SELECT (SELECT count(*) FROM e WHERE EXISTS (SELECT FROM r WHERE r.golden = e.golden)) AS removed,
        (SELECT count(*) FROM r WHERE NOT EXISTS (SELECT FROM e WHERE e.golden = r.golden)) AS absent`);
    return counts;
  }
  const replaces = mode === ListUploadMode.LIST_UPLOAD_MODE_REPLACE;
  return tx.one<Partial<Record<keyof Difference, bigint>>>(sql`
    WITH r AS (SELECT party_id, until_date, note FROM list_upload_row
        WHERE upload_id = ${uploadId}::uuid AND (until_date IS NULL OR until_date >= ${day}::date)),
      e AS (SELECT party_id, until_date, note FROM list_entry WHERE list_id = ${listId} AND ${standsOn(day)}),
      both_ AS (SELECT r.party_id AS r, e.party_id AS e,
          r.until_date IS DISTINCT FROM e.until_date OR (r.note <> '' AND r.note <> e.note) AS differs
        FROM r FULL JOIN e USING (party_id))
    SELECT count(*) FILTER (WHERE e IS NULL) AS added,
      count(*) FILTER (WHERE r IS NOT NULL AND e IS NOT NULL AND differs) AS updated,
      count(*) FILTER (WHERE r IS NOT NULL AND e IS NOT NULL AND NOT differs) AS unchanged,
      count(*) FILTER (WHERE r IS NULL AND ${replaces}) AS removed,
      (SELECT count(*) FROM list_upload_row WHERE upload_id = ${uploadId}::uuid AND until_date < ${day}::date) AS absent
    FROM both_`);
}

/**
 * Ends the coming of rows and tells what the upload would change on the list as it is now. Throws UPLOAD_NOT_FOUND,
 * UPLOAD_STATE, UPLOAD_INCOMPLETE, LIST_CHANGED.
 */
export async function checkListUpload(
  deps: Deps,
  request: CheckListUploadRequest,
  call: Call,
): Promise<CheckListUploadResponse> {
  const { name } = request;
  return idempotent(deps.db, call, request, CheckListUploadResponse, async (tx) => {
    const row = await lockUpload(tx, call.scope, name);
    wasDone(row, 'check');
    if (row.expected_rows > 0n && row.expected_rows !== row.received_rows) {
      const metadata = { expected_rows: String(row.expected_rows), received_rows: String(row.received_rows) };
      throw fail('UPLOAD_INCOMPLETE', { metadata });
    }
    const other = await tx.maybe(sql`
      SELECT FROM list_upload WHERE list_id = ${row.list_id} AND state = ${ListUploadState.LIST_UPLOAD_STATE_APPLYING}`);
    if (other) throw fail('LIST_CHANGED', { metadata: { upload: name } });
    const found = await differenceOf(tx, row, dateText(today(deps)));
    const difference = { ...noDifference };
    for (const [key, count] of Object.entries(found)) difference[key as keyof Difference] = Number(count);
    const at = deps.clock.now();
    const state =
      row.state === ListUploadState.LIST_UPLOAD_STATE_RECEIVING ? ListUploadState.LIST_UPLOAD_STATE_CHECKED : row.state;
    await tx.run(sql`
      UPDATE list_upload SET state = ${state}, difference = ${JSON.stringify(difference)}::jsonb,
        checked_version = ${row.latest_version}, check_time = ${at}, change_time = ${at}
      WHERE list_id = ${row.list_id} AND upload_id = ${row.upload_id}::uuid`);
    await audit(tx, call, { resource: name, change: { state: ListUploadState[state], ...difference } });
    return { upload: uploadMessage(await findUpload(tx, call.scope, name)) };
  });
}
