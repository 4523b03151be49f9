import { isDay, type PlainDate } from '../bank/bank.js';

/** What a value makes, or why it makes nothing. */
export type Read<T> = { readonly value: T } | { readonly reason: string };

const decimals = new Map<string, number>();

/** How many digits the minor unit of a currency has (ISO 4217): 2 for CZK, 0 for JPY, 3 for KWD. */
export function minorDigits(currency: string): number {
  let digits = decimals.get(currency);
  if (digits === undefined) {
    const options = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions();
    digits = options.maximumFractionDigits ?? 2;
    decimals.set(currency, digits);
  }
  return digits;
}

/**
 * Reads an amount as minor units of its currency, exactly: no digit is rounded away. A minus may stand before or behind;
 * amounts in brackets are negative.
 */
export function readMoney(
  raw: string,
  currency: string,
  style: { decimal: string; group: string; minor: boolean },
): Read<bigint> {
  if (!/^[A-Z]{3}$/.test(currency)) return { reason: 'CURRENCY_INVALID' };
  let text = raw.trim().replaceAll(/[\u00a0\u202f ]/g, '');
  if (style.group !== '') text = text.replaceAll(style.group, '');
  let negative = false;
  const brackets = /^\((.*)\)$/.exec(text);
  if (brackets) [text, negative] = [brackets[1] as string, true];
  const signed = /^([-\u2212+])?(.*?)([-\u2212])?$/.exec(text);
  if (signed?.[1] && signed[3]) return { reason: 'AMOUNT_INVALID' };
  if (signed && (signed[1] === '-' || signed[1] === '\u2212' || signed[3])) negative = !negative;
  text = signed?.[2] ?? '';
  const [whole, fraction = '', more] = text.split(style.decimal);
  if (more !== undefined || !/^\d{1,16}$/.test(whole ?? '') || !/^\d*$/.test(fraction))
    return { reason: 'AMOUNT_INVALID' };
  const digits = style.minor ? 0 : minorDigits(currency);
  const kept = fraction.replace(/0+$/, '');
  if (kept.length > digits) return { reason: 'AMOUNT_TOO_FINE' };
  const size = BigInt(whole as string) * 10n ** BigInt(digits) + BigInt(kept.padEnd(digits, '0') || '0');
  return { value: negative ? -size : size };
}

const tokens = /yyyy|yy|MM|M|dd|d|HH|mm|ss/g;
const patterns = new Map<string, { expression: RegExp; letters: string[] }>();

function patternOf(format: string): { expression: RegExp; letters: string[] } {
  let pattern = patterns.get(format);
  if (!pattern) {
    const letters: string[] = [];
    let expression = '';
    let end = 0;
    for (const match of format.matchAll(tokens)) {
      expression += escaped(format.slice(end, match.index));
      expression += match[0] === 'yyyy' ? '(\\d{4})' : match[0].length === 2 ? '(\\d{2})' : '(\\d{1,2})';
      letters.push(match[0]);
      end = match.index + match[0].length;
    }
    pattern = { expression: new RegExp(`^${expression}${escaped(format.slice(end))}$`), letters };
    patterns.set(format, pattern);
  }
  return pattern;
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

function partsOf(raw: string, format: string): Record<string, number> | undefined {
  const { expression, letters } = patternOf(format);
  const match = expression.exec(raw.trim());
  if (!match) return undefined;
  const parts: Record<string, number> = {};
  letters.forEach((letter, index) => {
    const number = Number(match[index + 1]);
    // As POSIX reads two digits: 69 to 99 lie in the last century.
    parts[letter[0] as string] = letter === 'yy' ? number + (number >= 69 ? 1900 : 2000) : number;
  });
  return parts;
}

/** Reads a day of the calendar written in a format of yyyy, yy, MM, M, dd, d; 00 to 68 as yy are 2000 to 2068. */
export function readDay(raw: string, format: string): Read<PlainDate> {
  const parts = partsOf(raw, format);
  const day = parts && { year: parts.y ?? 0, month: parts.M ?? 0, day: parts.d ?? 0 };
  return day && day.year >= 1 && isDay(day) ? { value: day } : { reason: 'DATE_INVALID' };
}

const ISO = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/;

/** Reads a moment: ISO 8601, or a format with HH, mm, ss; without an offset it is a clock reading in the time zone. */
export function readTime(raw: string, format: string, zone: string): Read<Date> {
  const text = raw.trim();
  if (format === 'iso') {
    const match = ISO.exec(text);
    if (!match) return { reason: 'TIME_INVALID' };
    const offset = match[3];
    const time = new Date(offset ? text.replace(' ', 'T') : `${text.replace(' ', 'T')}Z`);
    if (Number.isNaN(time.getTime())) return { reason: 'TIME_INVALID' };
    return { value: offset ? time : inZone(time, zone) };
  }
  const parts = partsOf(text, format);
  if (!parts) return { reason: 'TIME_INVALID' };
  const { y = 0, M = 0, d = 0, H = 0, m = 0, s = 0 } = parts;
  if (!isDay({ year: y, month: M, day: d }) || H > 23 || m > 59 || s > 59) return { reason: 'TIME_INVALID' };
  return { value: inZone(new Date(Date.UTC(y, M - 1, d, H, m, s)), zone) };
}

/** The moment at which clocks of the zone show what the UTC clock shows at `reading`; where two do, the first. */
function inZone(reading: Date, zone: string): Date {
  let guess = reading.getTime();
  for (let round = 0; round < 2; round += 1) guess = reading.getTime() - offsetAt(guess, zone);
  return new Date(guess);
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function offsetAt(time: number, zone: string): number {
  let clock = clocks.get(zone);
  if (!clock) {
    const parts = {
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    } as const;
    clock = new Intl.DateTimeFormat('en-u-hc-h23', { timeZone: zone, ...parts });
    clocks.set(zone, clock);
  }
  const found: Record<string, number> = {};
  for (const { type, value } of clock.formatToParts(time)) found[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = found;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000;
}
