import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListListEntriesRequest, ListListEntriesResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { dateText, requestedDay, today } from '../segment/segment.js';
import { entryMessage, type EntryRow, findList, standsOn } from './list.js';

const FIRST = '00000000-0000-0000-0000-000000000000';

/** Gives the entries of a list whose parties the caller may see, by party and first day. Throws LIST_NOT_FOUND, DATE_INVALID. */
export async function listListEntries(
  deps: Deps,
  request: ListListEntriesRequest,
  call: Call,
): Promise<ListListEntriesResponse> {
  const size = pageSize(request);
  const asOf = requestedDay(request.asOf);
  const [party, day] = decodePage(call, request, 'uuid', 'string') ?? [FIRST, '0001-01-01'];
  const on = deps.db.scoped(call.scope);
  const { list_id: listId } = await findList(on, call.scope, request.parent);
  const rows = await on.rows<EntryRow>(sql`
    SELECT party_id, from_date, until_date, changed_by, change_time, note, version FROM list_entry
    WHERE list_id = ${listId} AND (party_id, from_date) > (${party}::uuid, ${day}::date)
      AND ${scopeFilter(call.scope, { path: 'organisation_path', manager: 'manager' })}
      AND (${request.ended && asOf === undefined} OR (${standsOn(dateText(asOf ?? today(deps)))}))
    ORDER BY party_id, from_date LIMIT ${size + 1}`);
  const page = rows.slice(0, size);
  const entries = page.map(entryMessage);
  await deps.reads.record(call, [request.parent, ...new Set(entries.map((entry) => entry.party))]);
  const last = page.at(-1);
  return {
    entries,
    nextPageToken: rows.length > size && last ? encodePage(call, request, [last.party_id, last.from_date]) : '',
  };
}
