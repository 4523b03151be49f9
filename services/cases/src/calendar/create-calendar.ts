import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type BusinessCalendar, type CreateCalendarRequest, CreateCalendarResponse } from '@rapport/proto/cases/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { calendarMessage, calendarName, isoDate, isTimeZone, overlapping } from './calendar.js';

/** Creates a business calendar for the whole installation. */
export async function createCalendar(
  deps: Deps,
  request: CreateCalendarRequest,
  call: Call,
): Promise<CreateCalendarResponse> {
  const calendar = request.calendar as BusinessCalendar;
  const weeklyHours = calendar.weeklyHours.map(({ weekday, openMinute, closeMinute }) => ({
    weekday,
    open: openMinute,
    close: closeMinute,
  }));
  if (!isTimeZone(calendar.timeZone)) {
    throw fail('TIME_ZONE_UNKNOWN', {
      violations: [{ field: 'calendar.time_zone', description: 'is no IANA time zone' }],
    });
  }
  if (overlapping(weeklyHours)) {
    throw fail('HOURS_OVERLAP', {
      violations: [{ field: 'calendar.weekly_hours', description: 'ranges of one day must not overlap' }],
    });
  }
  const holidays = calendar.holidays.map((date, index) => {
    const text = isoDate(date);
    if (text !== undefined) return text;
    throw fail('HOLIDAY_INVALID', {
      violations: [{ field: `calendar.holidays[${index}]`, description: 'is no day of the calendar' }],
    });
  });
  const { calendarId } = request;
  return idempotent(deps.db, call, request, CreateCalendarResponse, async (tx) => {
    const known = await tx.maybe(sql`SELECT FROM calendar WHERE calendar_id = ${calendarId}`);
    if (known) throw fail('CALENDAR_EXISTS', { metadata: { calendar: calendarName(calendarId) } });
    const row = {
      calendarId,
      timeZone: calendar.timeZone,
      weeklyHours,
      holidays: [...new Set(holidays)].sort(),
      createTime: deps.clock.now(),
    };
    await tx.prisma.calendar.create({ data: row }).catch(taken);
    await audit(tx, call, { resource: calendarName(calendarId), change: { created: true } });
    return { calendar: calendarMessage(row, deps.timeZone) };
  });
}

/** Prisma's code for a unique constraint: another call was faster. */
function taken(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'P2002') throw fail('CALENDAR_EXISTS');
  throw error;
}
