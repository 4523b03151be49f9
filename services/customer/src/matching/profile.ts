import { foldedWords } from '../cleaning/cleaning.js';

/** A number that identifies a party. Two different strong ones of the same kind contradict each other. */
export interface ProfileIdentifier {
  kind: string;
  value: string;
  strong: boolean;
}

/** What the matcher knows of one party, brought into one form; '' and [] mean that nothing is known. */
export interface Profile {
  /** Persons are compared with persons only, organisations with organisations. */
  person: boolean;
  /** Given names as one word; empty of organisations. */
  given: string;
  /** Family name, or the name of the organisation without its legal form, as one word. */
  family: string;
  /** `YYYYMMDD`; it need not be a day of the calendar, because typing errors are evidence too. */
  birth: string;
  /** As the contract counts: 1 female, 2 male, 3 other, 0 not known. */
  sex: number;
  /** Street without the number, as one word. */
  street: string;
  /** House number. */
  house: string;
  /** What else stands in the address above the town, as one word. */
  extra: string;
  locality: string;
  postal: string;
  emails: string[];
  /** Digits only. */
  phones: string[];
  identifiers: ProfileIdentifier[];
  /** Further facts that a file names, in the order of its header, such as a place of birth. */
  attributes: string[];
}

/** How many of each may count; more add cost and no evidence. */
export const most = { emails: 2, phones: 2, identifiers: 3, attributes: 4 } as const;

/** Lower case without accents, letters and digits only, words separated by one space. */
export function folded(text: string): string {
  return foldedWords(text).join(' ');
}

/** As `folded`, without spaces: a space is the commonest typing error inside a word. */
export function joined(text: string): string {
  return folded(text).replaceAll(' ', '');
}

/** Values that people and systems write where they know none. */
const nothing = new Set(['', 'na', 'n a', 'nan', 'null', 'none', 'unknown', 'not known', 'nil', 'xx', 'xxx', 'tbd']);

/** The text, or '' when it is one of the usual ways to write that there is none. */
export function known(text: string): string {
  const form = folded(text);
  return nothing.has(form) ? '' : form;
}

const legalForms = new Set(
  'ag as bv co company corp corporation eg ev gmbh inc kft kg limited llc llp lp ltd mbh nv oy oyj plc pty pte sa sarl se spa spol spzoo sro srl the und and'.split(
    ' ',
  ),
);

/** The name of an organisation without its legal form, as one word. */
export function organisationWord(name: string): string {
  const words = folded(name.replaceAll('.', '')).split(' ');
  const kept = words.filter((word) => !legalForms.has(word));
  return (kept.length > 0 ? kept : words).join('');
}

/** The parts of an address whose lines may hold street and number together, such as "Main Street 12" or "12 Main Street". */
export function addressParts(lines: readonly string[], house = ''): Pick<Profile, 'street' | 'house' | 'extra'> {
  const [first = '', ...rest] = lines.map(known).filter((line) => line !== '');
  const words = first.split(' ');
  const isNumber = (word: string): boolean => /^\p{N}+\p{L}?$/u.test(word);
  const at = house === '' ? words.findIndex(isNumber) : -1;
  const number = house === '' ? (words[at] ?? '') : house;
  const street = words.filter((_word, index) => index !== at).join('');
  return { street, house: joined(number), extra: rest.join('').replaceAll(' ', '') };
}

/** Digits of a telephone number without the marks of its country where they can be told; '' when too short to count. */
export function phoneDigits(text: string): string {
  const digits = text.replace(/\D/g, '');
  return digits.length < 6 ? '' : digits.slice(-9);
}

/**
 * A rough form that words share which sound or look alike in many languages: the first letter by its group, then the
 * consonants by theirs without repetition. Non-Latin letters stay as they are.
 */
export function skeleton(word: string): string {
  let out = '';
  let last = '';
  const text = word
    .replace(/ph/g, 'f')
    .replace(/(ck|qu)/g, 'k')
    .replace(/sch|sh|ch/g, 's');
  for (const letter of text) {
    const group = groups[letter] ?? letter;
    if (group === '' && out !== '') {
      last = '';
      continue;
    }
    if (group !== last) out += group === '' ? 'a' : group;
    last = group;
  }
  return out.slice(0, 6);
}

const groups: Record<string, string> = {
  ...Object.fromEntries([...'aeiouyhw'].map((letter) => [letter, ''])),
  ...Object.fromEntries([...'ckqgj'].map((letter) => [letter, 'k'])),
  ...Object.fromEntries([...'szx'].map((letter) => [letter, 's'])),
  ...Object.fromEntries([...'dt'].map((letter) => [letter, 't'])),
  ...Object.fromEntries([...'bp'].map((letter) => [letter, 'p'])),
  ...Object.fromEntries([...'fv'].map((letter) => [letter, 'f'])),
  ...Object.fromEntries([...'mn'].map((letter) => [letter, 'n'])),
};
