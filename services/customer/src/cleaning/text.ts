import { type Issue, issue } from './issue.js';

// Controls, direction marks and other invisible characters, halves of surrogate pairs. The joiners stay: Persian and the
// scripts of India write names with them. White space is dealt with apart.
const invisible = /(?![\s\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}]/gu;

/** Full-width forms of ASCII, as East Asian keyboards write them. */
const fullWidth = /[\uFF01-\uFF5E]/gu;

/**
 * Text without invisible characters, composed (NFC), with single spaces, at most `most` code points. Never throws,
 * whatever comes in, and does not look at more than four times `most`.
 */
export function tidy(raw: string, field: string, most: number): { text: string; issues: Issue[] } {
  const issues: Issue[] = [];
  let looked = raw.length > most * 4 ? raw.slice(0, most * 4) : raw;
  if (looked.length < raw.length) issues.push(issue(field, 'text_too_long'));
  const visible = looked.replace(invisible, '');
  if (visible.length < looked.length) issues.push(issue(field, 'text_unprintable'));
  looked = visible
    .replace(fullWidth, (one) => String.fromCodePoint((one.codePointAt(0) as number) - 0xfee0))
    .normalize('NFC')
    .replace(/\s+/gu, ' ')
    .trim();
  if (looked.length > most) {
    const points = [...looked];
    if (points.length > most) {
      looked = points.slice(0, most).join('').trim();
      if (issues[0]?.code !== 'text_too_long') issues.unshift(issue(field, 'text_too_long'));
    }
  }
  return { text: looked, issues };
}

const letters: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
  ħ: 'h',
  ŧ: 't',
  ŋ: 'n',
  ĸ: 'k',
};
const special = new RegExp(`[${Object.keys(letters).join('')}]`, 'gu');

/** Lower case without accents: `Nguyễn` and `NGUYEN` fold to the same. Letters that do not decompose are spelt out. */
export function fold(text: string): string {
  const lower = text.normalize('NFKD').toLowerCase().normalize('NFKD');
  return lower.replace(/\p{M}/gu, '').replace(special, (letter) => letters[letter] as string);
}

/** The folded words of a text: runs of letters and digits. */
export function foldedWords(text: string): string[] {
  return fold(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Letters and digits alone, upper case: the form in which numbers with letters are compared. */
export function compact(text: string): string {
  return text
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

const hasLetter = /\p{L}/u;

/** Whether all letters that have a case are of one; words without such letters are of none. */
export function caseOf(text: string): 'upper' | 'lower' | 'mixed' | 'none' {
  if (!hasLetter.test(text)) return 'none';
  const upper = text.toUpperCase();
  const lower = text.toLowerCase();
  if (upper === lower) return 'none';
  if (text === upper) return 'upper';
  return text === lower ? 'lower' : 'mixed';
}

/** One word with a capital, also after hyphens and apostrophes: `o'brien-smith` becomes `O'Brien-Smith`. */
export function capitalised(word: string): string {
  const pieces = word.toLowerCase().split(/(?<=[-'’.\u2010\u2011])/u);
  const made = pieces.map((piece, at) => {
    // What follows an apostrophe at the end of a word is no name: d'Arc, but Rosie's.
    if (at > 0 && piece.length < 2) return piece;
    const [first = '', ...rest] = [...piece];
    // Some letters become two, and only the first of them is a capital: ß, Ss.
    const [capital = '', ...more] = [...first.toUpperCase()];
    return capital + more.join('').toLowerCase() + rest.join('');
  });
  return made.join('').normalize('NFC');
}
