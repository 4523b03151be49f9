import { IANAZone } from 'luxon';

/** Opening hours of one weekday: 1 is Monday; minutes from local midnight, `close` after `open`, 1440 at most. */
export interface WeeklyRange {
  weekday: number;
  open: number;
  close: number;
}

/** When a calendar is open, ready to be counted on. */
export interface BusinessHours {
  /** The open stretches of a local day in order, as milliseconds since the epoch; `day` counts days since 1970-01-01. */
  openOn(day: number): readonly (readonly [open: number, close: number])[];
  /** The local day of a moment. */
  dayOf(moment: number): number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Days whose stretches are remembered per calendar. */
const REMEMBERED = 20_000;

/** Whether luxon knows the zone as an IANA name. */
export function isTimeZone(name: string): boolean {
  return IANAZone.isValidZone(name);
}

function isoDay(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, 10);
}

/** 1970-01-01 was a Thursday. */
function weekdayOf(day: number): number {
  return ((((day + 3) % 7) + 7) % 7) + 1;
}

/**
 * The first moment at which the wall clock shows `wall` (local time written as if it were UTC). Wall times that are
 * skipped when clocks go forward become the moment of the change, so a later wall time never gives an earlier moment.
 */
function momentOf(zone: IANAZone, wall: number): number {
  // Zones lie between 12 hours behind and 14 ahead, and change at most once in such a stretch.
  const offsets = [zone.offset(wall - 15 * HOUR) * MINUTE, zone.offset(wall + 13 * HOUR) * MINUTE];
  const [before = 0, after = 0] = offsets;
  if (before === after) return wall - before;
  const shown = offsets.map((offset) => wall - offset).filter((at) => zone.offset(at) * MINUTE === wall - at);
  if (shown.length > 0) return Math.min(...shown);
  let low = wall - after;
  let high = wall - before;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offset(middle) * MINUTE === before) low = middle;
    else high = middle;
  }
  return high;
}

/** Prepares a calendar for counting. `holidays` are days without business, 'YYYY-MM-DD' in the zone. */
export function businessHours(
  timeZone: string,
  weekly: readonly WeeklyRange[],
  holidays: readonly string[],
): BusinessHours {
  const zone = IANAZone.create(timeZone);
  if (!zone.isValid) throw new RangeError(`${timeZone} is not a time zone`);
  if (weekly.length === 0) throw new RangeError('a calendar needs opening hours');
  const closed = new Set(holidays);
  const known = new Map<number, readonly (readonly [number, number])[]>();
  const rangesOf = [1, 2, 3, 4, 5, 6, 7].map((weekday) =>
    weekly.filter((range) => range.weekday === weekday).sort((a, b) => a.open - b.open),
  );

  function stretches(day: number): readonly (readonly [number, number])[] {
    const ranges = rangesOf[weekdayOf(day) - 1] ?? [];
    if (ranges.length === 0 || closed.has(isoDay(day))) return [];
    const midnight = day * DAY;
    return (
      ranges
        .map(
          ({ open, close }) =>
            [momentOf(zone, midnight + open * MINUTE), momentOf(zone, midnight + close * MINUTE)] as const,
        )
        // Hours that the clock skips are no hours.
        .filter(([open, close]) => close > open)
    );
  }

  return {
    openOn(day) {
      const remembered = known.get(day);
      if (remembered) return remembered;
      if (known.size >= REMEMBERED) known.clear();
      const made = stretches(day);
      known.set(day, made);
      return made;
    },
    dayOf: (moment) => Math.floor((moment + zone.offset(moment) * MINUTE) / DAY),
  };
}

/**
 * The moment at which `duration` milliseconds of business time have passed since `start`. It lies inside opening hours,
 * both ends included; no duration gives `start`, or the next opening when it is closed then. Later starts and longer
 * durations never give earlier moments, and counting in parts gives what counting at once does.
 */
export function addBusinessTime(hours: BusinessHours, start: Date, duration: number): Date {
  const from = start.getTime();
  let left = duration;
  // Where clocks go back over midnight, a moment may still belong to what the day before began.
  for (let day = hours.dayOf(from) - 1; ; day += 1) {
    for (const [open, close] of hours.openOn(day)) {
      if (close < from) continue;
      const begin = Math.max(open, from);
      if (left <= close - begin) return new Date(begin + left);
      left -= close - begin;
    }
  }
}

/** The business time between two moments in milliseconds; 0 when `to` is not after `from`. */
export function businessTimeBetween(hours: BusinessHours, from: Date, to: Date): number {
  const [start, end] = [from.getTime(), to.getTime()];
  if (end <= start) return 0;
  let sum = 0;
  for (let day = hours.dayOf(start) - 1; day <= hours.dayOf(end) + 1; day += 1) {
    for (const [open, close] of hours.openOn(day)) {
      sum += Math.max(0, Math.min(close, end) - Math.max(open, start));
    }
  }
  return sum;
}

/** Minutes of business in a week without holidays. */
export function weeklyMinutes(weekly: readonly WeeklyRange[]): number {
  return weekly.reduce((sum, { open, close }) => sum + close - open, 0);
}
