import type { DateMessage } from '@rapport/proto/google/type';

const timeZones = new Map<string, boolean>();

/** Whether the platform knows the IANA name. */
export function isTimeZone(name: string): boolean {
  const known = timeZones.get(name);
  if (known !== undefined) return known;
  let valid = true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
  } catch {
    valid = false;
  }
  // The names come from callers, so the table needs a bound.
  if (timeZones.size >= 2_000) timeZones.clear();
  timeZones.set(name, valid);
  return valid;
}

/** The texts of days by their number. Imports name the same few thousand days over and over: each is made once. */
const isoDays = new Map<number, string>();

/** `YYYY-MM-DD`, or undefined when the message names no day of the calendar. */
export function isoDay(date: DateMessage): string | undefined {
  const { year, month, day } = date;
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  const number = year * 10_000 + month * 100 + day;
  let text = isoDays.get(number);
  if (text === undefined) {
    if (isoDays.size >= 50_000) isoDays.clear();
    text = `${String(year).padStart(4, '0')}-${month < 10 ? '0' : ''}${month}-${day < 10 ? '0' : ''}${day}`;
    isoDays.set(number, text);
  }
  return text;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** The message of a day as Postgres gives it, `YYYY-MM-DD`. */
export function dayMessage(day: string): DateMessage {
  return { year: Number(day.slice(0, 4)), month: Number(day.slice(5, 7)), day: Number(day.slice(8, 10)) };
}

/** The day as Prisma takes it: midnight UTC. */
export function dayDate(day: string): Date {
  return new Date(`${day}T00:00:00Z`);
}

/** The day that it is in a time zone. */
export function dayAt(time: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  return format.format(time);
}
