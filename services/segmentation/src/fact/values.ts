import type { Money } from '@rapport/proto/type/v1';

interface DateParts {
  year: number;
  month: number;
  day: number;
}

/** A day as a number such as 19940331; 0 for none. */
export function day(date: DateParts | undefined): number {
  return date ? date.year * 10_000 + date.month * 100 + date.day : 0;
}

/** The id at the end of a resource name. */
export function idOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** The id of the party that a name begins with. */
export function partyOf(name: string): string {
  return name.split('/')[1] ?? '';
}

/** Grows with each event of a party: the time and the counter at the front of its UUIDv7, which fit 60 bits. */
export function versionOf(eventId: string): bigint {
  const hex = eventId.replaceAll('-', '');
  return (BigInt(`0x${hex.slice(0, 12)}`) << 12n) | BigInt(`0x${hex.slice(13, 16)}`);
}

/** The word that rules use for an enum value: `HOLDING_KIND_STANDING_ORDER` is `standing_order`, unspecified is ''. */
export function word(names: Readonly<Record<number, string>>, value: number, prefix: string): string {
  const name = names[value];
  if (value === 0 || !name?.startsWith(prefix)) return '';
  return name.slice(prefix.length).toLowerCase();
}

const decimals = new Map<string, number>();

function decimalsOf(currency: string): number {
  const known = decimals.get(currency);
  if (known !== undefined) return known;
  let found = 2;
  try {
    const options = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions();
    found = Math.min(options.maximumFractionDigits ?? 2, 4);
  } catch {
    // Not a currency code: cents, as most have.
  }
  decimals.set(currency, found);
  return found;
}

/** An amount in whole units of its currency, exact: 123456 minor units of CZK are '1234.56'. */
export function wholeUnits(money: Money): string {
  const places = decimalsOf(money.currencyCode);
  const digits = (money.minorUnits < 0n ? -money.minorUnits : money.minorUnits).toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  const sign = money.minorUnits < 0n ? '-' : '';
  return places === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(-places)}`;
}
