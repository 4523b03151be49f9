import { DateTime } from 'luxon';
import type { DayNumber } from './tree.js';

function startOfDay(day: DayNumber, zone: string): DateTime {
  const parts = { year: Math.floor(day / 10_000), month: Math.floor(day / 100) % 100, day: day % 100 };
  return DateTime.fromObject(parts, { zone }).startOf('day');
}

function numberOf(date: DateTime): DayNumber {
  return date.year * 10_000 + date.month * 100 + date.day;
}

/** The day on which a moment falls in a time zone. */
export function dayAt(moment: Date, zone: string): DayNumber {
  return numberOf(DateTime.fromJSDate(moment, { zone }));
}

/** The end of a day in a time zone, which is the start of the next one. */
export function endOfDay(day: DayNumber, zone: string): Date {
  return startOfDay(day, zone).plus({ days: 1 }).startOf('day').toJSDate();
}

/** The first day whose start lies in the window of that length that ends with `asOf`. */
export function firstDayOfWindow(asOf: DayNumber, windowMs: number, zone: string): DayNumber {
  const from = DateTime.fromMillis(endOfDay(asOf, zone).getTime() - windowMs, { zone });
  const day = from.startOf('day');
  return numberOf(day < from ? day.plus({ days: 1 }) : day);
}
