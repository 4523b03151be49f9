import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { type Cleaned, issue } from './issue.js';
import { tidy } from './text.js';

/**
 * A telephone number as E.164 (ITU-T), by the numbering plans of libphonenumber. `country`, ISO 3166-1 alpha-2, is where
 * a number without a country code belongs; empty when that is not known. Too long or short for its country is an error
 * and stays as it came; a number of the right length in a range that nobody was given is a warning, because plans change
 * faster than libraries. The key is the E.164 form, or the bare digits where there is none.
 */
export function cleanPhone(raw: string, country: string, field = 'phone'): Cleaned {
  const { text, issues } = tidy(raw, field, 60);
  const international = text.replace(/^tel:\s*/i, '').replace(/^00(?=[1-9])/, '+');
  const known = isSupportedCountry(country);
  const parsed = parsePhoneNumberFromString(international, {
    ...(known ? { defaultCountry: country } : {}),
    extract: false,
  });
  const digits = text.normalize('NFKD').replace(/\D/g, '');
  if (!parsed) {
    const national = !known && !international.startsWith('+') && /^\d{6,15}$/.test(digits);
    return {
      value: text,
      key: digits,
      issues: [...issues, issue(field, national ? 'phone_country_unknown' : 'phone_unreadable')],
    };
  }
  if (!parsed.isPossible()) return { value: text, key: digits, issues: [...issues, issue(field, 'phone_impossible')] };
  if (parsed.ext !== undefined) issues.push(issue(field, 'phone_extension_dropped'));
  else if (parsed.number !== raw) issues.push(issue(field, 'phone_reformatted'));
  if (!parsed.isValid()) issues.push(issue(field, 'phone_unassigned'));
  return { value: parsed.number, key: parsed.number, issues };
}
