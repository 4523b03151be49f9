import { type Cleaned, issue } from './issue.js';
import { tidy } from './text.js';

/** The order in which a source writes days, as it declares it. */
export type DateOrder = 'dmy' | 'mdy' | 'ymd';

/** A day of the calendar. */
export interface Day {
  year: number;
  month: number;
  day: number;
}

const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');

/** Whether the day is in the Gregorian calendar, of years 1 to 9999. */
export function isCalendarDay({ year, month, day }: Day): boolean {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const last = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  return day <= last;
}

function monthNamed(name: string): number {
  return name.length < 3 ? 0 : months.indexOf(name.slice(0, 3).toLowerCase()) + 1;
}

type Reading = Day | 'date_ambiguous' | 'date_two_digit_year' | 'date_unreadable';

function read(text: string, order: DateOrder | undefined): Reading {
  const yearFirst =
    /^(\d{4})([-/. ])(\d{1,2})\2(\d{1,2})(?:[T ]\d.*)?$/.exec(text) ?? /^(\d{4})()(\d{2})(\d{2})$/.exec(text);
  if (yearFirst) return dayOf(yearFirst[1], yearFirst[3], yearFirst[4]);
  const chinese = /^(\d{4})年(\d{1,2})月(\d{1,2})[日号]$/.exec(text);
  if (chinese) return dayOf(chinese[1], chinese[2], chinese[3]);
  const named = /^(\d{1,2})(?:st|nd|rd|th|\.)?[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4})$/.exec(text);
  if (named) return dayOf(named[3], monthNamed(named[2] ?? ''), named[1]);
  const american = /^([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})$/.exec(text);
  if (american) return dayOf(american[3], monthNamed(american[1] ?? ''), american[2]);
  const dotted = /^(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})$/.exec(text);
  // Points stand between day, month and year in that order wherever they are used.
  if (dotted) return order === 'mdy' ? dayOf(dotted[3], dotted[1], dotted[2]) : dayOf(dotted[3], dotted[2], dotted[1]);
  const split = /^(\d{1,2})([-/ ])(\d{1,2})\2(\d{4})$/.exec(text);
  if (split) {
    const [first, second] = [Number(split[1]), Number(split[3])];
    if (order === 'mdy') return dayOf(split[4], first, second);
    if (order === 'dmy' || first > 12 || first === second) return dayOf(split[4], second, first);
    return second > 12 ? dayOf(split[4], first, second) : 'date_ambiguous';
  }
  return /^\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2}$/.test(text) ? 'date_two_digit_year' : 'date_unreadable';
}

function dayOf(year: unknown, month: unknown, day: unknown): Day {
  return { year: Number(year), month: Number(month), day: Number(day) };
}

/**
 * A day in one of the forms that can be read in one way only: `1970-12-13`, `19701213`, `1970/12/13`, `13.12.1970`,
 * `13 Dec 1970`, `Dec 13, 1970`, `1970年12月13日`, and with strokes or hyphens where day and month cannot be mistaken.
 * `05/06/1970` is refused unless the source declares its order, and so is every year of two digits. The key is ISO 8601.
 */
export function cleanDate(raw: string, order?: DateOrder, field = 'date'): Cleaned<Day | undefined> {
  const { text, issues } = tidy(raw, field, 40);
  const found = read(text, order);
  if (typeof found === 'string') return { value: undefined, key: '', issues: [...issues, issue(field, found)] };
  if (!isCalendarDay(found)) return { value: undefined, key: '', issues: [...issues, issue(field, 'date_impossible')] };
  return { value: found, key: isoOf(found), issues };
}

/** `YYYY-MM-DD`. */
export function isoOf({ year, month, day }: Day): string {
  return [String(year).padStart(4, '0'), String(month).padStart(2, '0'), String(day).padStart(2, '0')].join('-');
}
