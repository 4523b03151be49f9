import type { CalendarDate, Money } from '../api/types.js';

const locales = { en: 'en-GB', zh: 'zh-CN' } as const;
type Language = keyof typeof locales;

/** `12.34` for 1234 minor units and two digits; exact for any size. */
export function decimalText(minorUnits: string, digits: number): `${number}` {
  const negative = minorUnits.startsWith('-');
  const padded = (negative ? minorUnits.slice(1) : minorUnits).padStart(digits + 1, '0');
  const whole = padded.slice(0, padded.length - digits);
  const fraction = digits > 0 ? `.${padded.slice(padded.length - digits)}` : '';
  return `${negative ? '-' : ''}${whole}${fraction}` as `${number}`;
}

/** An amount in the language's way, with its currency; the currency says how many digits its minor unit has. */
export function formatMoney(money: Money, language: Language): string {
  if (!/^[A-Z]{3}$/.test(money.currencyCode)) return money.minorUnits;
  const format = new Intl.NumberFormat(locales[language], { style: 'currency', currency: money.currencyCode });
  return format.format(decimalText(money.minorUnits, format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** A whole number, given as a number or as text. */
export function formatCount(value: number | string, language: Language): string {
  return new Intl.NumberFormat(locales[language]).format(typeof value === 'string' ? BigInt(value || '0') : value);
}

/** A number with at most so many decimals. */
export function formatNumber(value: number, language: Language, decimals = 2): string {
  return new Intl.NumberFormat(locales[language], { maximumFractionDigits: decimals }).format(value);
}

/** A moment in the reader's time zone, which is named. */
export function formatTime(time: string, language: Language): string {
  return new Intl.DateTimeFormat(locales[language], {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(new Date(time));
}

/** A calendar day, which has no time zone. */
export function formatDay(date: CalendarDate, language: Language): string {
  const day = new Date(Date.UTC(2000, Math.max(date.month, 1) - 1, Math.max(date.day, 1)));
  day.setUTCFullYear(date.year);
  return new Intl.DateTimeFormat(locales[language], {
    year: 'numeric',
    ...(date.month ? { month: 'short' } : {}),
    ...(date.day ? { day: 'numeric' } : {}),
    timeZone: 'UTC',
  }).format(day);
}

/** `1994-03-31`. */
export function isoDay(date: CalendarDate): string {
  const pad = (value: number, width: number) => String(value).padStart(width, '0');
  return `${pad(date.year, 4)}-${pad(date.month, 2)}-${pad(date.day, 2)}`;
}

/** The day of `1994-03-31`; undefined for anything else. */
export function dayFromIso(text: string | null): CalendarDate | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text ?? '');
  return match ? { year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) } : undefined;
}

/** The last part of a resource name, short enough to show. */
export function shortName(name: string): string {
  const id = name.slice(name.lastIndexOf('/') + 1);
  return id.length > 20 ? `…${id.slice(-8)}` : id;
}

/** The part of a resource name that an address of the console carries. */
export function idOf(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

/** How many digits the minor unit of a currency has: 2 for EUR, 0 for JPY. */
function currencyDigits(currencyCode: string): number {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency: currencyCode });
  return format.resolvedOptions().maximumFractionDigits ?? 2;
}

/** The minor units of an amount as it is typed, `1 234,50` or `1234.5`; undefined where it is none or too exact. */
export function minorUnitsOf(text: string, currencyCode: string): string | undefined {
  const match = /^(\d{1,15})(?:[.,](\d*))?$/.exec(text.replaceAll(/[\s\u00a0]/g, ''));
  const digits = currencyDigits(currencyCode);
  const [, whole = '', fraction = ''] = match ?? [];
  if (!match || fraction.length > digits) return undefined;
  return BigInt(`${whole}${fraction.padEnd(digits, '0')}`).toString();
}
