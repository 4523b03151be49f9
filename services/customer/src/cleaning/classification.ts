import { type Cleaned, issue } from './issue.js';

/** The 43 sub-major groups of ISCO-08, by the first digit of their major group. */
const subMajor: Readonly<Record<string, string>> = {
  '0': '123',
  '1': '1234',
  '2': '123456',
  '3': '12345',
  '4': '1234',
  '5': '1234',
  '6': '123',
  '7': '12345',
  '8': '123',
  '9': '123456',
};

/** The sections of ISIC Rev. 4, each with its first and its last division; 88 divisions in all. */
const sections: readonly (readonly [section: string, first: number, last: number])[] = [
  ['A', 1, 3],
  ['B', 5, 9],
  ['C', 10, 33],
  ['D', 35, 35],
  ['E', 36, 39],
  ['F', 41, 43],
  ['G', 45, 47],
  ['H', 49, 53],
  ['I', 55, 56],
  ['J', 58, 63],
  ['K', 64, 66],
  ['L', 68, 68],
  ['M', 69, 75],
  ['N', 77, 82],
  ['O', 84, 84],
  ['P', 85, 85],
  ['Q', 86, 88],
  ['R', 90, 93],
  ['S', 94, 96],
  ['T', 97, 98],
  ['U', 99, 99],
];

/**
 * Whether a text is a code of ISCO-08 (ILO, 2012) in its proper form, or empty: 1 to 4 digits of which the first two name
 * a sub-major group. Which minor and unit groups there are below is not looked at.
 */
export function isOccupation(code: string): boolean {
  if (code === '') return true;
  const [major = '', sub] = code;
  const known = subMajor[major];
  return /^\d{1,4}$/.test(code) && known !== undefined && (sub === undefined || known.includes(sub));
}

/**
 * Whether a text is a code of ISIC Rev. 4 (United Nations, 2008) in its proper form, or empty: the letter of a section,
 * after which may stand a division of it and up to two more digits. Groups and classes below are not looked at.
 */
export function isIndustry(code: string): boolean {
  if (code === '' || sections.some(([section]) => section === code)) return true;
  const division = Number(/^[A-U](\d{2})\d{0,2}$/.exec(code)?.[1]);
  return sections.some(([section, first, last]) => section === code[0] && division >= first && division <= last);
}

function cleaned(
  raw: string,
  value: string,
  field: string,
  code: 'occupation_reformatted' | 'industry_reformatted',
): Cleaned {
  return { value, key: value, issues: value === raw ? [] : [issue(field, code)] };
}

/** A code of ISCO-08 without what people write around it: `ISCO-08: 22.12` is `2212`. What is none stays as it came. */
export function cleanOccupation(raw: string, field: string): Cleaned {
  const bare = raw.replace(/^\s*ISCO(-?(08|2008))?\s*:?/i, '').replace(/[\s.]/g, '');
  return cleaned(raw, isOccupation(bare) ? bare : raw, field, 'occupation_reformatted');
}

/** A code of ISIC Rev. 4 with the letter of its section: `64.19` is `K6419`. What is none stays as it came. */
export function cleanIndustry(raw: string, field: string): Cleaned {
  const bare = raw.replace(/[\s.-]/g, '').toUpperCase();
  const division = Number(/^(\d{2})\d{0,2}$/.exec(bare)?.[1]);
  const section = sections.find(([, first, last]) => division >= first && division <= last)?.[0] ?? '';
  const whole = section + bare;
  return cleaned(raw, isIndustry(whole) ? whole : raw, field, 'industry_reformatted');
}
