import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListCalendarsRequest, ListCalendarsResponse } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { type CalendarRow, calendarColumns, calendarMessage } from './calendar.js';

/** Lists business calendars by id. */
export async function listCalendars(
  deps: Deps,
  request: ListCalendarsRequest,
  call: Call,
): Promise<ListCalendarsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'string')?.[0] ?? '';
  const rows = await deps.db.system.rows<CalendarRow>(sql`
    SELECT ${calendarColumns} FROM calendar WHERE calendar_id > ${after} ORDER BY calendar_id LIMIT ${size + 1}`);
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  return {
    calendars: shown.map((row) => calendarMessage(row, deps.timeZone)),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.calendarId]) : '',
  };
}
