import { DateTime } from 'luxon';

/** A day as contracts write it. */
export interface DateParts {
  year: number;
  month: number;
  day: number;
}

/** The days that the analytic engine can store. */
const FIRST = '1900-01-01';
const LAST = '2299-12-31';

function clamp(day: string): string {
  if (day < FIRST) return FIRST;
  return day > LAST ? LAST : day;
}

/**
 * The day of a date, or of a moment in the time zone, as YYYY-MM-DD; days before 1900 or after 2299 are the nearest that
 * can be stored. Undefined for nothing and for what is no day of the calendar.
 */
export function dayOf(at: Date | DateParts | undefined, zone: string): string | undefined {
  if (at === undefined) return undefined;
  const local =
    at instanceof Date
      ? DateTime.fromJSDate(at, { zone })
      : DateTime.fromObject({ year: at.year, month: at.month, day: at.day }, { zone: 'utc' });
  if (!local.isValid || local.year < 1) return undefined;
  // the longer form of years beyond 9999 would not compare as text
  if (local.year > 9999) return LAST;
  return clamp(local.toISODate());
}
