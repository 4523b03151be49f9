import { type Cleaned, type Issue, issue } from './issue.js';
import { capitalised, caseOf, fold, tidy } from './text.js';

/** A postal address, as the contract has it. */
export interface Address {
  lines: string[];
  locality: string;
  region: string;
  postalCode: string;
  countryCode: string;
}

/** The letters and digits of postal codes, and where a space or hyphen stands between them, by the rules of the posts. */
const postalCodes: Record<string, [RegExp, string?]> = {
  AT: [/^\d{4}$/],
  AU: [/^\d{4}$/],
  BE: [/^\d{4}$/],
  BG: [/^\d{4}$/],
  BR: [/^(\d{5})(\d{3})$/, '$1-$2'],
  CA: [/^([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z])(\d[ABCEGHJ-NPRSTV-Z]\d)$/, '$1 $2'],
  CH: [/^\d{4}$/],
  CN: [/^\d{6}$/],
  CZ: [/^([1-7]\d{2})(\d{2})$/, '$1 $2'],
  DE: [/^\d{5}$/],
  DK: [/^\d{4}$/],
  ES: [/^\d{5}$/],
  FI: [/^\d{5}$/],
  FR: [/^\d{5}$/],
  GB: [/^([A-Z]{1,2}\d[A-Z\d]?)(\d[ABD-HJLNP-UW-Z]{2})$/, '$1 $2'],
  GR: [/^(\d{3})(\d{2})$/, '$1 $2'],
  HR: [/^\d{5}$/],
  HU: [/^\d{4}$/],
  IE: [/^([A-Z]\d[\dW])([A-Z\d]{4})$/, '$1 $2'],
  IN: [/^[1-9]\d{5}$/],
  IT: [/^\d{5}$/],
  JP: [/^(\d{3})(\d{4})$/, '$1-$2'],
  KR: [/^\d{5}$/],
  LU: [/^\d{4}$/],
  NL: [/^([1-9]\d{3})([A-Z]{2})$/, '$1 $2'],
  NO: [/^\d{4}$/],
  PL: [/^(\d{2})(\d{3})$/, '$1-$2'],
  PT: [/^(\d{4})(\d{3})$/, '$1-$2'],
  RO: [/^\d{6}$/],
  SE: [/^(\d{3})(\d{2})$/, '$1 $2'],
  SG: [/^\d{6}$/],
  SI: [/^\d{4}$/],
  SK: [/^([089]\d{2})(\d{2})$/, '$1 $2'],
  TR: [/^\d{5}$/],
  TW: [/^\d{3}(?:\d{2,3})?$/],
  UA: [/^\d{5}$/],
  US: [/^(\d{5})(\d{4})?$/],
};

/** How the words of streets are shortened; only keys are spelt out, values stay as they are written. */
const abbreviations: Record<string, string> = {
  st: 'street',
  str: 'strasse',
  rd: 'road',
  ave: 'avenue',
  av: 'avenue',
  blvd: 'boulevard',
  bvd: 'boulevard',
  dr: 'drive',
  ln: 'lane',
  ct: 'court',
  pl: 'place',
  sq: 'square',
  hwy: 'highway',
  pde: 'parade',
  cres: 'crescent',
  tce: 'terrace',
  apt: 'apartment',
  ul: 'ulice',
  nam: 'namesti',
  tr: 'trida',
  nabr: 'nabrezi',
};

/** The postal code as its country writes it. What does not fit the country's form is an error and stays as it came. */
export function cleanPostalCode(raw: string, country: string, field = 'postal_code'): Cleaned {
  const { text, issues } = tidy(raw, field, 20);
  const bare = text.toUpperCase().replace(/[^A-Z0-9]/g, '');
  if (text === '') return { value: '', key: '', issues: [...issues, issue(field, 'postal_code_missing')] };
  const [form, written] = postalCodes[country] ?? [];
  if (!form) return { value: text, key: bare, issues };
  // A country put before the number (CZ-110 00), as some write it.
  const own = bare.startsWith(country) && !form.test(bare) ? bare.slice(2) : bare;
  const match = form.exec(own);
  if (!match) return { value: text, key: bare, issues: [...issues, issue(field, 'postal_code_invalid')] };
  const value = country === 'US' && match[2] ? `${match[1]}-${match[2]}` : own.replace(form, written ?? '$&');
  if (value !== raw) issues.push(issue(field, 'address_reformatted'));
  return { value, key: own, issues };
}

function cleanPart(raw: string, field: string, most: number, issues: Issue[]): string {
  const tidied = tidy(raw, field, most);
  issues.push(...tidied.issues);
  // Text all in capitals only: what is all in small letters may be meant so.
  const value = caseOf(tidied.text) === 'upper' && tidied.text.length > 3 ? cased(tidied.text) : tidied.text;
  if (value !== raw && tidied.issues.length === 0) issues.push(issue(field, 'address_reformatted'));
  return value;
}

/** Words with digits (12B) and words of up to two letters (SW, PO) stay. */
function cased(text: string): string {
  return text
    .split(' ')
    .map((word) => (/\d/.test(word) || word.length <= 2 ? word : capitalised(word)))
    .join(' ');
}

/** Numbers of houses and flats: digits, perhaps with a letter or a second number behind a stroke. */
export function houseNumber(line: string): string {
  return /(?<![\p{L}\d])\d{1,5}(?:[/-]\d{1,5})?[a-z]?(?![\p{L}\d])/iu.exec(line)?.[0]?.toUpperCase() ?? '';
}

/**
 * An address with single spaces, no line that is empty, words that were all in capitals in their usual case, and the
 * postal code as its country writes it. The key folds everything, spells the words of streets out and starts with country
 * and postal code.
 */
export function cleanAddress(raw: Address, field = 'postal_address'): Cleaned<Address> {
  const issues: Issue[] = [];
  const lines = raw.lines
    .slice(0, 5)
    .map((line, at) => cleanPart(line, `${field}.lines[${at}]`, 200, issues))
    .filter((line) => line !== '');
  const locality = cleanPart(raw.locality, `${field}.locality`, 100, issues);
  const region = cleanPart(raw.region, `${field}.region`, 100, issues);
  const countryCode = raw.countryCode.toUpperCase().slice(0, 2);
  const postal = cleanPostalCode(raw.postalCode, countryCode, `${field}.postal_code`);
  issues.push(...postal.issues);
  const value = { lines, locality, region, postalCode: postal.value, countryCode };
  return {
    value,
    key: [countryCode, postal.key, ...lines.map(lineKey), fold(locality)].join('|').toLowerCase(),
    issues,
  };
}

/** A line in the form that is compared: folded words, those of streets spelt out. */
export function lineKey(line: string): string {
  const words = fold(line).match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.map((word) => (Object.hasOwn(abbreviations, word) ? abbreviations[word] : word)).join(' ');
}
