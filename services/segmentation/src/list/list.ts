import type { Analytics } from '@rapport/kit/analytics';
import { type Database, type Queryable, type Scope, scopeFilter, sql, type Sql, type Tx } from '@rapport/kit/db';
import {
  type ListEntry,
  type ListEntryInput,
  ListRejectReason,
  ListUploadState,
  type StaticList,
} from '@rapport/proto/segmentation/v1';
import type { FactFilter } from '../fact/fact.js';
import { fail } from '../errors.js';
import { type DayNumber, dayNumber } from '../rule/rule.js';
import { dateMessage, dayOf } from '../segment/segment.js';

/** A list, as Postgres gives it. */
export interface ListRow {
  list_id: string;
  title: string;
  organisation_path: string;
  created_by: string;
  create_time: Date;
  latest_version: number;
  retired_by: string;
  retire_time: Date | null;
}

/** An entry, as Postgres gives it. */
export interface EntryRow {
  party_id: string;
  from_date: string;
  until_date: string | null;
  changed_by: string;
  change_time: Date;
  note: string;
  version: number;
}

/** The columns of a `ListRow`. */
export const listColumns: Sql = sql`list_id, title, organisation_path, created_by, create_time, latest_version, retired_by,
  retire_time`;

/** The id of `staticLists/{id}`. */
export const listIdOf = (name: string): string => name.slice('staticLists/'.length);

/** A list inside the scope by its name. Throws LIST_NOT_FOUND. */
export async function findList(on: Queryable, scope: Scope, name: string): Promise<ListRow> {
  const row = await on.maybe<ListRow>(sql`
    SELECT ${listColumns} FROM static_list
    WHERE list_id = ${listIdOf(name)} AND ${scopeFilter(scope, { path: 'organisation_path' })}`);
  if (!row) throw fail('LIST_NOT_FOUND', { metadata: { list: name } });
  return row;
}

/** The same, if it takes entries still. Throws LIST_NOT_FOUND, LIST_RETIRED. */
export async function findOpenList(on: Queryable, scope: Scope, name: string): Promise<ListRow> {
  const row = await findList(on, scope, name);
  if (row.retire_time) throw fail('LIST_RETIRED', { metadata: { list: name } });
  return row;
}

/** Whoever writes entries holds their list, so that no two write the same entry, and an erasure waits for them. */
export async function lockList(tx: Tx, listId: string): Promise<void> {
  await tx.run(sql`SELECT FROM static_list WHERE list_id = ${listId} FOR UPDATE`);
}

/** Refuses a rule that asks for a retired list; asked while nothing else comes into use. Throws LIST_RETIRED. */
export async function assertListsOpen(tx: Tx, listIds: readonly string[]): Promise<void> {
  if (listIds.length === 0) return;
  const retired = await tx.maybe<{ id: string }>(sql`
    SELECT list_id AS id FROM static_list
    WHERE list_id = ANY(${[...listIds]}::text[]) AND retire_time IS NOT NULL ORDER BY list_id LIMIT 1`);
  if (retired) throw fail('LIST_RETIRED', { metadata: { list: `staticLists/${retired.id}` } });
}

/** Holds all lists: whoever is erased comes onto none meanwhile. */
export async function lockLists(tx: Tx): Promise<void> {
  await tx.run(sql`SELECT FROM static_list ORDER BY list_id FOR UPDATE`);
}

/** Parties asked for in one statement. */
const PLACES = 1000;

/** Where a party belongs, and the version of the fact that told it. */
export interface Place {
  party: string;
  path: string;
  manager: string;
  version: bigint;
}

/** Where parties belong, of those that meet a condition. */
export async function placesOf(
  analytics: Analytics,
  parties: readonly string[],
  where: FactFilter,
  signal?: AbortSignal,
): Promise<Place[]> {
  const found: Place[] = [];
  for (let start = 0; start < parties.length; start += PLACES) {
    const rows = await analytics.query<{ id: string; path: string; looks: string; told: string }>(
      `SELECT toString(party) AS id, organisation_path AS path, manager AS looks, toString(version) AS told
        FROM (SELECT * FROM party FINAL WHERE party IN {parties:Array(UUID)}) WHERE ${where.text}`,
      { ...where.parameters, parties: parties.slice(start, start + PLACES) },
      { signal },
    );
    for (const { id, path, looks, told } of rows)
      found.push({ party: id, path, manager: looks, version: BigInt(told) });
  }
  return found;
}

/** Keeps entries where their parties belong now. What is older than what is known changes nothing. */
export async function moveEntries(tx: Tx, places: readonly Place[]): Promise<void> {
  const newest = new Map<string, Place>();
  for (const place of places) {
    const known = newest.get(place.party);
    if (!known || known.version <= place.version) newest.set(place.party, place);
  }
  if (newest.size === 0) return;
  const rows = [...newest.values()];
  await tx.run(sql`
    UPDATE list_entry e SET organisation_path = place.path, manager = place.manager, placed = place.version
    FROM unnest(${rows.map(({ party }) => party)}::uuid[], ${rows.map(({ path }) => path)}::text[],
      ${rows.map(({ manager }) => manager)}::text[], ${rows.map(({ version }) => version)}::bigint[])
      AS place (party, path, manager, version)
    WHERE e.party_id = place.party AND e.placed < place.version
      AND (e.organisation_path, e.manager) <> (place.path, place.manager)`);
}

/** Whether uploads are being applied, or entries wait to be sent. */
export async function anyUnsent(db: Database): Promise<boolean> {
  const { any } = await db.system.one<{ any: boolean }>(sql`
    SELECT EXISTS (SELECT FROM list_upload WHERE state = ${ListUploadState.LIST_UPLOAD_STATE_APPLYING} AND rows_left)
      OR EXISTS (SELECT FROM list_entry WHERE NOT sent) AS any`);
  return any;
}

/** The condition that an entry stands on its list on a day, 'YYYY-MM-DD'. */
export function standsOn(day: string): Sql {
  return sql`from_date <= ${day}::date AND (until_date IS NULL OR until_date >= ${day}::date)`;
}

/** The list as the contract shows it. */
export function listMessage(row: ListRow): StaticList {
  return {
    name: `staticLists/${row.list_id}`,
    title: row.title,
    organisationPath: row.organisation_path,
    createdBy: row.created_by,
    createTime: row.create_time,
    latestVersion: row.latest_version,
    retiredBy: row.retired_by,
    retireTime: row.retire_time ?? undefined,
  };
}

/** The entry as the contract shows it. */
export function entryMessage(row: EntryRow): ListEntry {
  const [from, until] = [dayOf(row.from_date), dayOf(row.until_date)];
  return {
    party: `parties/${row.party_id}`,
    fromDate: from === undefined ? undefined : dateMessage(from),
    untilDate: until === undefined ? undefined : dateMessage(until),
    changedBy: row.changed_by,
    changeTime: row.change_time,
    note: row.note,
    version: row.version,
  };
}

/** A line that can be taken, if its party is known. */
export interface Line {
  /** Its place in the call, from 0. */
  index: number;
  party: string;
  until: DayNumber | undefined;
}

/** A line that cannot. */
export interface Refused {
  index: number;
  reason: ListRejectReason;
}

/** `parties/{uuid}`. */
export const partyForm = /^parties\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** Tells the lines that can be taken from those that cannot, whoever their parties are. Pure. */
export function readLines(entries: readonly ListEntryInput[], today: DayNumber): { lines: Line[]; refused: Refused[] } {
  const lines: Line[] = [];
  const refused: Refused[] = [];
  const seen = new Set<string>();
  entries.forEach(({ party: text, untilDate: date }, index) => {
    const party = partyForm.exec(text)?.[1];
    const until = date && dayNumber(date.year, date.month, date.day);
    const no = (reason: ListRejectReason) => refused.push({ index, reason });
    if (party === undefined) no(ListRejectReason.LIST_REJECT_REASON_NAME_INVALID);
    else if (date && until === undefined) no(ListRejectReason.LIST_REJECT_REASON_DATE_INVALID);
    else if (until !== undefined && until < today) no(ListRejectReason.LIST_REJECT_REASON_DATE_PAST);
    else if (seen.has(party)) no(ListRejectReason.LIST_REJECT_REASON_DUPLICATE);
    else {
      seen.add(party);
      lines.push({ index, party, until });
    }
  });
  return { lines, refused };
}
