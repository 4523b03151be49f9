import { sql } from '@rapport/kit/db';
import type { GetCalendarRequest, GetCalendarResponse } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { type CalendarRow, calendarColumns, calendarIdIn, calendarMessage } from './calendar.js';

/** Gets one business calendar. */
export async function getCalendar(deps: Deps, request: GetCalendarRequest): Promise<GetCalendarResponse> {
  const row = await deps.db.system.maybe<CalendarRow>(
    sql`SELECT ${calendarColumns} FROM calendar WHERE calendar_id = ${calendarIdIn(request.name)}`,
  );
  if (!row) throw fail('CALENDAR_NOT_FOUND', { metadata: { calendar: request.name } });
  return { calendar: calendarMessage(row, deps.timeZone) };
}
