import {
  birthNumberDigit,
  leiValid,
  luhnValid,
  registrationDigit,
  residentDigit,
  socialCreditValid,
} from './check-digits.js';
import { type Day, isCalendarDay, isoOf } from './date.js';
import { type Cleaned, type IssueCode, issue } from './issue.js';
import { compact, tidy } from './text.js';

/** The kinds of identifiers that have rules, in the names of the contract without their prefix. */
export type IdentifierScheme = 'NATIONAL_ID' | 'TAX_ID' | 'REGISTRATION_NUMBER' | 'LEI' | 'OTHER';

/** What a number says of its bearer. */
export interface Told {
  birthDate?: string;
  sex?: 'female' | 'male';
}

interface Judged {
  /** The one form of the number. */
  value: string;
  problem?: IssueCode;
  told?: Told;
}

/** Provinces of GB/T 2260; 81 to 83 are given to residents of Hong Kong, Macau and Taiwan. */
const provinces = new Set(
  '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 91'.split(
    ' ',
  ),
);

function day(year: number, month: number, dayOfMonth: number): string | undefined {
  const found: Day = { year, month, day: dayOfMonth };
  return year >= 1850 && isCalendarDay(found) ? isoOf(found) : undefined;
}

/** The number of a resident of China, GB 11643-1999; one of 15 digits, as before 1999, is brought to 18. */
function chineseResident(text: string): Judged {
  const value = /^\d{15}$/.test(text) ? lengthened(text) : text;
  if (!/^\d{17}[\dX]$/.test(value)) return { value: text, problem: 'identifier_form' };
  if (residentDigit(value.slice(0, 17)) !== value[17]) return { value, problem: 'identifier_check_digit' };
  const birthDate = day(Number(value.slice(6, 10)), Number(value.slice(10, 12)), Number(value.slice(12, 14)));
  if (birthDate === undefined) return { value, problem: 'identifier_date' };
  const told: Told = { birthDate, sex: Number(value[16]) % 2 === 1 ? 'male' : 'female' };
  return provinces.has(value.slice(0, 2)) ? { value, told } : { value, told, problem: 'identifier_region' };
}

function lengthened(text: string): string {
  const first17 = `${text.slice(0, 6)}19${text.slice(6)}`;
  return first17 + residentDigit(first17);
}

/** A Czech or Slovak birth number: women have 50 added to the month, and 20 more where a day ran out of numbers. */
function birthNumber(value: string): Judged {
  if (!/^\d{9,10}$/.test(value)) return { value, problem: 'identifier_form' };
  const short = value.length === 9;
  if (!short && birthNumberDigit(value.slice(0, 9)) !== value[9]) return { value, problem: 'identifier_check_digit' };
  const yy = Number(value.slice(0, 2));
  const mm = Number(value.slice(2, 4));
  // Nine digits were given until 1953; the tenth came with 1954.
  const year = short ? (yy < 54 ? 1900 : 1800) + yy : (yy < 54 ? 2000 : 1900) + yy;
  const birthDate = day(year, mm > 50 ? ((mm - 50 - 1) % 20) + 1 : ((mm - 1) % 20) + 1, Number(value.slice(4, 6)));
  if (birthDate === undefined || mm === 0 || mm === 50) return { value, problem: 'identifier_date' };
  return { value, told: { birthDate, sex: mm > 50 ? 'female' : 'male' } };
}

function checked(value: string, form: RegExp, valid: (text: string) => boolean): Judged {
  if (!form.test(value)) return { value, problem: 'identifier_form' };
  return valid(value) ? { value } : { value, problem: 'identifier_check_digit' };
}

function judge(scheme: IdentifierScheme, country: string, text: string): Judged | undefined {
  if (scheme === 'LEI') return checked(text, /^[A-Z0-9]{18}\d{2}$/, leiValid);
  const organisation = scheme === 'TAX_ID' || scheme === 'REGISTRATION_NUMBER';
  if (country === 'CN') {
    if (organisation && text.length === 18 && !/^\d{17}[\dX]$/.test(text))
      return checked(text, /^[A-Z0-9]{18}$/, socialCreditValid);
    if (organisation)
      return socialCreditValid(text)
        ? { value: text }
        : scheme === 'TAX_ID'
          ? chineseResident(text)
          : checked(text, /^[A-Z0-9]{18}$/, socialCreditValid);
    return scheme === 'NATIONAL_ID' ? chineseResident(text) : undefined;
  }
  if (scheme === 'NATIONAL_ID') {
    if (country === 'CZ' || country === 'SK') return birthNumber(text);
    // Sweden's, South Africa's and Canada's end with a digit of Luhn.
    if (country === 'SE') return checked(text.length === 12 ? text.slice(2) : text, /^\d{10}$/, luhnValid);
    if (country === 'ZA') return checked(text, /^\d{13}$/, luhnValid);
    if (country === 'CA') return checked(text, /^\d{9}$/, luhnValid);
  }
  if (scheme === 'REGISTRATION_NUMBER' && country === 'CZ') {
    const padded = /^\d{6,8}$/.test(text) ? text.padStart(8, '0') : text;
    return checked(padded, /^\d{8}$/, (value) => registrationDigit(value.slice(0, 7)) === value[7]);
  }
  return undefined;
}

/**
 * An identifier in the one form of its kind and country, with its check digits judged where there are any: resident and
 * social credit numbers of China, birth and registration numbers of Czechia, LEI, national numbers of Sweden, South Africa
 * and Canada. What does not fit stays as it came, with an issue: a document may be in error and yet be the document.
 * `told` is what the number says of its bearer. The key is the number without anything but letters and digits.
 */
export function cleanIdentifier(
  raw: { scheme: IdentifierScheme; country: string; value: string },
  field = 'identifier',
): Cleaned & { told: Told } {
  const { text, issues } = tidy(raw.value, field, 60);
  const bare = compact(text);
  const judged = judge(raw.scheme, raw.country, bare);
  if (!judged) return { value: text, key: bare, issues, told: {} };
  const { problem, told = {} } = judged;
  const kept = problem === undefined || problem === 'identifier_region';
  const value = kept ? judged.value : text;
  if (problem !== undefined) issues.push(issue(field, problem));
  if (kept && value !== raw.value) issues.push(issue(field, 'identifier_reformatted'));
  return { value, key: kept ? judged.value : bare, issues, told };
}
