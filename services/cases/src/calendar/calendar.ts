import { type Sql, sql } from '@rapport/kit/db';
import type { BusinessCalendar } from '@rapport/proto/cases/v1';
import type { WeeklyRange } from './business-time.js';

export {
  addBusinessTime,
  type BusinessHours,
  businessHours,
  businessTimeBetween,
  isTimeZone,
  type WeeklyRange,
  weeklyMinutes,
} from './business-time.js';

/** A calendar as stored. An empty time zone is the bank's own. */
export interface CalendarRow {
  calendarId: string;
  timeZone: string;
  weeklyHours: WeeklyRange[];
  holidays: string[];
  createTime: Date;
}

export const calendarColumns: Sql = sql.raw(
  `calendar_id AS "calendarId", time_zone AS "timeZone", weekly_hours AS "weeklyHours", holidays,
   create_time AS "createTime"`,
);

/** `calendars/{id}`. */
export function calendarName(id: string): string {
  return `calendars/${id}`;
}

/** The id in `calendars/{id}`. */
export function calendarIdIn(name: string): string {
  return name.slice('calendars/'.length);
}

/** The message of a row; `bankTimeZone` stands in for a calendar that follows the bank. */
export function calendarMessage(row: CalendarRow, bankTimeZone: string): BusinessCalendar {
  return {
    name: calendarName(row.calendarId),
    timeZone: row.timeZone || bankTimeZone,
    weeklyHours: row.weeklyHours.map(({ weekday, open, close }) => ({ weekday, openMinute: open, closeMinute: close })),
    holidays: row.holidays.map((text) => {
      const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
      return { year, month, day };
    }),
    createTime: row.createTime,
  };
}

/** Whether two ranges of one weekday share a minute. */
export function overlapping(weekly: readonly WeeklyRange[]): boolean {
  const sorted = [...weekly].sort((a, b) => a.weekday - b.weekday || a.open - b.open);
  return sorted.some((range, index) => {
    const next = sorted[index + 1];
    return next !== undefined && next.weekday === range.weekday && next.open < range.close;
  });
}

/** 'YYYY-MM-DD' of a date, or undefined when the calendar of the world has no such day. */
export function isoDate({ year, month, day }: { year: number; month: number; day: number }): string | undefined {
  const text = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text) ? text : undefined;
}
