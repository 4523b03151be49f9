import { audit, systemCaller } from '@rapport/kit/crypto';
import { everything, sql, type Tx } from '@rapport/kit/db';
import { logger } from '@rapport/kit/runtime';
import { ListUploadMode, ListUploadState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { dateText, dayOf, today } from '../segment/segment.js';
import { addEntries, type Change, endEntries, withoutErased } from './entries.js';
import { standsOn } from './list.js';
import { type Difference, lockUpload, noDifference, uploadName, type UploadRow, uploadRows } from './upload.js';

/** Parties of an upload in one transaction: bounds the memory and how long a list is held. */
const SLICE = 5000;
/** Rows that are removed at once. */
const CLEARED = 20_000;
/** An upload to which no row came for so long is given up. */
const ABANDONED_DAYS = 7;
const REJECTS_KEPT_DAYS = 90;
/** Stand before and behind every party. */
const NOBODY = '00000000-0000-0000-0000-000000000000';
const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const {
  LIST_UPLOAD_STATE_RECEIVING: receiving,
  LIST_UPLOAD_STATE_APPLYING: applying,
  LIST_UPLOAD_STATE_APPLIED: applied,
  LIST_UPLOAD_STATE_CANCELLED: cancelled,
} = ListUploadState;

interface Row {
  party: string;
  until: string | null;
  note: string;
  path: string;
  manager: string;
  placed: bigint;
}

/**
 * Of a replacement: ends the next entries whose parties are not in the file. Gives what changed, and the party up to which
 * that is done; undefined behind the last.
 */
async function endOthers(
  tx: Tx,
  upload: UploadRow,
  change: Change,
): Promise<{ changed: Difference; through: string | undefined }> {
  const day = dateText(change.day);
  const standing = await tx.rows<{ party: string }>(sql`
    SELECT party_id AS party FROM list_entry
    WHERE list_id = ${upload.list_id} AND party_id > ${upload.ended_through ?? NOBODY}::uuid AND ${standsOn(day)}
    ORDER BY party_id LIMIT ${SLICE}`);
  // Asked by their keys: a join with all rows of the file would read them again with each slice.
  const named = await tx.rows<{ party: string }>(sql`
    SELECT party_id AS party FROM list_upload_row WHERE upload_id = ${upload.upload_id}::uuid
      AND party_id = ANY(${standing.map(({ party }) => party)}::uuid[])
      AND (until_date IS NULL OR until_date >= ${day}::date)`);
  const stays = new Set(named.map(({ party }) => party));
  const others = standing.map(({ party }) => party).filter((party) => !stays.has(party));
  await tx.run(sql`
    UPDATE list_entry SET until_date = ${day}::date - 1, changed_by = ${change.by}, change_time = ${change.at},
      version = ${change.version}, change = nextval('list_entry_change_seq'), sent = false
    WHERE list_id = ${upload.list_id} AND party_id = ANY(${others}::uuid[]) AND ${standsOn(day)}`);
  return { changed: { ...noDifference, removed: others.length }, through: standing.at(-1)?.party };
}

/** Takes the next rows of an upload, which leave it. Undefined when there are none left. */
async function takeRows(tx: Tx, upload: UploadRow, change: Change): Promise<Difference | undefined> {
  // The last of them first: what stands before it is one stretch of the index.
  const last = await tx.maybe<{ party: string }>(sql`
    SELECT party_id AS party FROM list_upload_row WHERE upload_id = ${upload.upload_id}::uuid
    ORDER BY party_id LIMIT 1 OFFSET ${SLICE - 1}`);
  const rows = await tx.rows<Row>(sql`
    DELETE FROM list_upload_row
    WHERE upload_id = ${upload.upload_id}::uuid AND party_id <= ${last?.party ?? LAST}::uuid
    RETURNING party_id AS party, until_date AS until, note, organisation_path AS path, manager, placed`);
  if (rows.length === 0) return undefined;
  if (upload.mode === ListUploadMode.LIST_UPLOAD_MODE_REMOVE) {
    const parties = rows.map(({ party }) => party);
    return endEntries(tx, upload.list_id, parties, change);
  }
  const entries = rows.map(({ party, until, note, path, manager, placed }) => ({
    ...{ party, path, manager, version: placed, note },
    until: dayOf(until),
  }));
  return addEntries(tx, upload.list_id, await withoutErased(tx, entries), change);
}

/** One slice of an upload in one transaction: progress, entries and rows together, so that a kill repeats nothing. */
async function applySlice(deps: Deps, asked: UploadRow): Promise<void> {
  await deps.db.transaction(everything, async (tx) => {
    const upload = await lockUpload(tx, everything, uploadName(asked));
    if (upload.state !== applying) return;
    const at = deps.clock.now();
    const day = dayOf(upload.apply_date) ?? today(deps);
    const change = { day, by: upload.created_by, at, version: upload.version ?? 0 };
    const where = sql`WHERE list_id = ${upload.list_id} AND upload_id = ${upload.upload_id}::uuid`;
    const save = (changed: Difference) => {
      const sum = Object.entries(changed).map(([key, n]) => [key, n + (upload.applied[key as keyof Difference] ?? 0)]);
      return JSON.stringify(Object.fromEntries(sum));
    };
    if (upload.mode === ListUploadMode.LIST_UPLOAD_MODE_REPLACE && upload.ended_through !== LAST) {
      const { changed, through } = await endOthers(tx, upload, change);
      await tx.run(sql`
        UPDATE list_upload SET applied = ${save(changed)}::jsonb, ended_through = ${through ?? LAST}::uuid, change_time = ${at}
        ${where}`);
      return;
    }
    const changed = await takeRows(tx, upload, change);
    if (changed) {
      await tx.run(sql`UPDATE list_upload SET applied = ${save(changed)}::jsonb, change_time = ${at} ${where}`);
      return;
    }
    await tx.run(sql`
      UPDATE list_upload SET state = ${applied}, rows_left = false, change_time = ${at}, complete_time = ${at} ${where}`);
    await audit(tx, systemCaller('segmentation', 'ApplyListUpload'), {
      resource: uploadName(upload),
      change: { state: ListUploadState[applied], version: change.version, ...upload.applied },
    });
  });
}

/**
 * Takes the next slice of an upload that is to be applied: of each list the oldest version first, the lists in turn.
 * Gives whether there was one. Safe to repeat and to kill.
 */
export async function applyUploads(deps: Deps): Promise<boolean> {
  const next = await deps.db.system.maybe<UploadRow>(sql`${uploadRows}
    WHERE u.state = ${applying} AND u.rows_left AND NOT EXISTS (
      SELECT FROM list_upload o WHERE o.list_id = u.list_id AND o.state = ${applying} AND o.version < u.version)
    ORDER BY u.change_time LIMIT 1`);
  if (!next) return false;
  try {
    await applySlice(deps, next);
    return true;
  } catch (error) {
    logger.error(
      { err: error, upload: uploadName(next) },
      'an upload of a list could not be applied; it is tried again',
    );
    // The others have their turn first.
    await deps.db.system.run(sql`
      UPDATE list_upload SET change_time = ${deps.clock.now()}
      WHERE list_id = ${next.list_id} AND upload_id = ${next.upload_id}::uuid`);
    return false;
  }
}

/**
 * Gives up uploads that nobody goes on with, removes the rows of those that came to nothing, and rejects that are 90 days
 * old. Gives whether there is more to remove. Safe to repeat.
 */
export async function clearUploads({ db, clock }: Pick<Deps, 'db' | 'clock'>): Promise<boolean> {
  const now = clock.now();
  const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);
  await db.system.run(sql`
    UPDATE list_upload SET state = ${cancelled}, change_time = ${now}, complete_time = ${now}
    WHERE state = ${receiving} AND rows_left AND change_time < ${daysAgo(ABANDONED_DAYS)}`);
  const rejects = await db.system.run(sql`
    DELETE FROM list_upload_reject WHERE (upload_id, row) IN (
      SELECT upload_id, row FROM list_upload_reject WHERE create_time < ${daysAgo(REJECTS_KEPT_DAYS)}
      ORDER BY create_time LIMIT ${CLEARED})`);
  const ended = await db.system.maybe<{ id: string }>(sql`
    SELECT upload_id AS id FROM list_upload WHERE state > ${applied} AND rows_left LIMIT 1`);
  if (!ended) return rejects === CLEARED;
  const rows = await db.system.run(sql`
    DELETE FROM list_upload_row WHERE upload_id = ${ended.id}::uuid AND party_id IN (
      SELECT party_id FROM list_upload_row WHERE upload_id = ${ended.id}::uuid LIMIT ${CLEARED})`);
  if (rows < CLEARED)
    await db.system.run(sql`UPDATE list_upload SET rows_left = false WHERE upload_id = ${ended.id}::uuid`);
  return true;
}
