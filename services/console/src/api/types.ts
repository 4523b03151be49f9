/** An amount in the smallest unit of its currency, as text because it may exceed 2^53. */
export interface Money {
  minorUnits: string;
  currencyCode: string;
}

/** A calendar day; 0 where a part is not known. */
export interface CalendarDate {
  year: number;
  month: number;
  day: number;
}

/** What every list answers besides its rows. */
export interface Paged {
  nextPageToken: string;
}

export const channels = [
  'CHANNEL_EMAIL',
  'CHANNEL_SMS',
  'CHANNEL_PHONE',
  'CHANNEL_POST',
  'CHANNEL_APP',
  'CHANNEL_BRANCH',
  'CHANNEL_WEB',
] as const;
