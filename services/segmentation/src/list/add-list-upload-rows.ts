import { audit } from '@rapport/kit/crypto';
import { sql, type Tx } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type AddListUploadRowsRequest,
  AddListUploadRowsResponse,
  ListRejectReason,
  ListUploadMode,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { factFilter } from '../fact/fact.js';
import { dateText, today } from '../segment/segment.js';
import { fail } from '../errors.js';
import { withoutErased } from './entries.js';
import { type ResolvedLine, resolveLines } from './resolve.js';
import { findUpload, lockUpload, uploadMessage, type UploadRow, wasDone } from './upload.js';
import { readUploadRows, type RefusedRow, shownOf } from './upload-rows.js';

type Taken = Extract<ResolvedLine, { place: unknown }>;

/** Keeps lines with their upload. Gives the places of those that came with an earlier line already. */
async function keepRows(tx: Tx, upload: UploadRow, taken: readonly Taken[]): Promise<number[]> {
  const seen = new Set<string>();
  const first = taken.filter(({ place: { party } }) => !seen.has(party) && seen.add(party));
  const kept = await tx.rows<{ party: string }>(sql`
    INSERT INTO list_upload_row (upload_id, party_id, until_date, note, organisation_path, manager, placed)
    SELECT ${upload.upload_id}::uuid, line.* FROM unnest(${first.map(({ place }) => place.party)}::uuid[],
      ${first.map(({ until }) => (until === undefined ? null : dateText(until)))}::date[],
      ${first.map(({ note }) => note)}::text[], ${first.map(({ place }) => place.path)}::text[],
      ${first.map(({ place }) => place.manager)}::text[], ${first.map(({ place }) => place.version)}::bigint[]) AS line
    ON CONFLICT DO NOTHING RETURNING party_id AS party`);
  const isKept = new Set(kept.map(({ party }) => party));
  const new_ = new Set(first.filter(({ place }) => isKept.has(place.party)).map(({ index }) => index));
  return taken.filter(({ index }) => !new_.has(index)).map(({ index }) => index);
}

/**
 * Finds the parties of the next rows of a file and keeps them with the upload; the others become rejects. Throws
 * UPLOAD_NOT_FOUND, UPLOAD_STATE, UPLOAD_OUT_OF_STEP.
 */
export async function addListUploadRows(
  deps: Deps,
  request: AddListUploadRowsRequest,
  call: Call,
): Promise<AddListUploadRowsResponse> {
  const { name, rows, firstRow } = request;
  const asked = await findUpload(deps.db.scoped(call.scope), call.scope, name);
  const removing = asked.mode === ListUploadMode.LIST_UPLOAD_MODE_REMOVE;
  const { lines, refused } = readUploadRows(rows, asked.mode, today(deps));
  // Whoever is to be taken off a list may be restricted by now, or have moved away.
  const where = factFilter(call.scope, removing ? '' : asked.organisation_path, { manager: true });
  const usable = removing ? where : { ...where, text: `state != 'restricted' AND (${where.text})` };
  const resolved = await resolveLines(deps, lines, usable, call);
  return idempotent(deps.db, call, request, AddListUploadRowsResponse, async (tx) => {
    const upload = await lockUpload(tx, call.scope, name);
    wasDone(upload, 'receive');
    if (upload.received_rows !== firstRow) {
      const metadata = { upload: name, received_rows: String(upload.received_rows) };
      throw fail('UPLOAD_OUT_OF_STEP', { metadata });
    }
    const known = resolved.flatMap((line) => ('place' in line ? [{ ...line, party: line.place.party }] : []));
    const taken = await withoutErased(tx, known);
    const isTaken = new Set(taken.map(({ index }) => index));
    const duplicates = new Set(await keepRows(tx, upload, taken));
    const rejects: RefusedRow[] = [...refused];
    for (const line of resolved) {
      const { index } = line;
      if (isTaken.has(index) && !duplicates.has(index)) continue;
      const row = rows[index];
      const shown = row ? shownOf(row) : { field: '', value: '' };
      const gone = 'reason' in line ? line.reason : ListRejectReason.LIST_REJECT_REASON_PARTY_UNKNOWN;
      const reason = duplicates.has(index) ? ListRejectReason.LIST_REJECT_REASON_DUPLICATE : gone;
      rejects.push({ index, ...shown, reason });
    }
    await tx.run(sql`
      INSERT INTO list_upload_reject (upload_id, row, line, field, value, reason, organisation_path, create_time)
      SELECT ${upload.upload_id}::uuid, reject.*, ${upload.organisation_path}, ${deps.clock.now()}
      FROM unnest(${rejects.map(({ index }) => firstRow + BigInt(index))}::bigint[],
        ${rejects.map(({ index }) => rows[index]?.line ?? 0n)}::bigint[], ${rejects.map(({ field }) => field)}::text[],
        ${rejects.map(({ value }) => value)}::text[], ${rejects.map(({ reason }) => reason)}::int[]) AS reject`);
    const counts = { received: rows.length, accepted: rows.length - rejects.length, rejected: rejects.length };
    await tx.run(sql`
      UPDATE list_upload SET received_rows = received_rows + ${counts.received}, accepted = accepted + ${counts.accepted},
        rejected = rejected + ${counts.rejected}, change_time = ${deps.clock.now()}
      WHERE list_id = ${upload.list_id} AND upload_id = ${upload.upload_id}::uuid`);
    await audit(tx, call, { resource: name, change: counts });
    return { upload: uploadMessage(await findUpload(tx, call.scope, name)) };
  });
}
