import type { Money } from '@rapport/proto/type/v1';

/** An amount for people, whatever their language: `480000.00 CZK`. A currency that is not known counts in hundredths. */
export function moneyText({ minorUnits, currencyCode }: Money): string {
  const places = placesOf(currencyCode);
  const digits = (minorUnits < 0n ? -minorUnits : minorUnits).toString().padStart(places + 1, '0');
  const cut = digits.length - places;
  const amount = places === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`;
  return `${minorUnits < 0n ? '-' : ''}${amount} ${currencyCode}`;
}

function placesOf(currency: string): number {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}
