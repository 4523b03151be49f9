import { get, nameOf } from './client.js';
import type { CalendarDate, Money } from './types.js';

/** What went off the accounts and cards of a party in a month for a category, in one currency. */
export interface Spending {
  month?: CalendarDate;
  category: string;
  amount?: Money;
  transactions: string;
}

/** From the first day to the day before the last, `YYYY-MM-DD`; at most 36 months. */
export function getSpending(id: string, startDate: string, endDate: string, signal?: AbortSignal) {
  return get<{ spending: Spending[] }>(`${nameOf('parties', id)}:spending`, { startDate, endDate }, signal);
}
