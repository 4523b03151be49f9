import { addBusinessTime, type BusinessHours, businessTimeBetween } from '../calendar/calendar.js';
import { type CaseRow, breaches } from './case.js';

/** The case with its clocks standing still since `at`; what had passed by then is broken for good. */
export function paused(row: CaseRow, at: Date): CaseRow {
  return { ...row, ...breaches(row, at), pauseTime: at, lastChangeTime: at };
}

/** The case with its clocks running again: due times that had not passed move by the business time of the pause. */
export function resumed(row: CaseRow, hours: BusinessHours, at: Date): CaseRow {
  const since = row.pauseTime;
  if (since === null) return row;
  const shift = businessTimeBetween(hours, since, at);
  const moved = (due: Date) => (due < since ? due : addBusinessTime(hours, due, shift));
  return {
    ...row,
    dueTime: moved(row.dueTime),
    responseDueTime: moved(row.responseDueTime),
    pauseTime: null,
    lastChangeTime: at,
  };
}
