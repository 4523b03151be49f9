import { isChinese, seemsSwapped, splitChinese, syllables } from './chinese-name.js';
import { type Cleaned, type Issue, issue } from './issue.js';
import { capitalised, caseOf, foldedWords, tidy } from './text.js';

/** The parts of a person's name. */
export interface PersonName {
  givenName: string;
  familyName: string;
}

const MOST = 100;

/** Titles before a name. Those that could be names themselves count only with their point. */
const titles = new Set(
  (
    'mr mr. mrs mrs. ms ms. mx. miss dr dr. prof prof. doc. ing. mgr. bc. judr. mudr. mvdr. phdr. rndr. thdr. paeddr. ' +
    'mddr. pharmdr. arch. rsdr. ak. herr frau mme mme. mlle. sr. sra. srta. dipl.-ing. pan paní'
  ).split(' '),
);
/** Degrees after a name. */
const degrees = new Set('phd ph.d. phd. csc. drsc. mba dis. md m.d. ll.m. llm esq esq. dba mpa msc. bsc.'.split(' '));
/** What tells the younger from the elder of one name is kept, written alike. */
const generations: Record<string, string> = {
  jr: 'Jr.',
  'jr.': 'Jr.',
  sr: 'Sr.',
  'sr.': 'Sr.',
  ii: 'II',
  iii: 'III',
  iv: 'IV',
};
const chineseTitle = /(?:先生|女士|小姐|太太)$/u;
/** Words that stay small inside a name. */
const particles = new Set(
  'van von der den de del della di da do dos das du la le ten ter zu zum af av bin al el y e'.split(' '),
);
const placeholders = new Set(
  (
    'unknown test none null na n/a nil no name noname xxx xx x aaa asdf tba undefined anonymous neznámý neznama nezname ' +
    'neznámá 不详 未知 无 测试 - . ?'
  ).split(' '),
);
const unusual = /[\d@#$%*_=<>{}[\]|\\^~+"!?;:]/;
const scripts = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Han}/u,
  /\p{Script=Arabic}/u,
];

/** The name that is given in two parts, cleaned: see `cleanFullName` for what is done to them. */
export function cleanPersonName(raw: PersonName, field = 'person'): Cleaned<PersonName> {
  const [given, family] = [`${field}.given_name`, `${field}.family_name`];
  const first = tidy(raw.givenName, given, MOST);
  const last = tidy(raw.familyName, family, MOST);
  const issues = [...first.issues, ...last.issues];
  let value = { givenName: first.text, familyName: last.text };
  // One step may open the way for another: a title that goes leaves a whole name in one field. Few need a second round.
  for (let round = 0; round < 4; round += 1) {
    const after = improved(value, [given, family], issues);
    const settled = after.givenName === value.givenName && after.familyName === value.familyName;
    value = after;
    if (settled) break;
  }
  issues.push(...doubts(value.givenName, given), ...doubts(value.familyName, family));
  if (isChinese(value.givenName) && isChinese(value.familyName) && seemsSwapped(value.givenName, value.familyName)) {
    issues.push(issue(field, 'name_order_suspect'));
  }
  return { value, key: nameKey(value), issues };
}

function improved(before: PersonName, [given, family]: readonly [string, string], issues: Issue[]): PersonName {
  let name = before;
  // The whole name in one of the two fields, the family name first as a comma or Chinese characters say.
  if ((name.givenName === '') !== (name.familyName === '')) {
    const split = inTwo(name.givenName || name.familyName);
    if (split) issues.push(issue(name.givenName === '' ? given : family, 'name_reordered'));
    name = split ?? name;
  }
  const bare = withoutTitles(name);
  if (bare.givenName !== name.givenName) issues.push(issue(given, 'name_title_removed'));
  if (bare.familyName !== name.familyName) issues.push(issue(family, 'name_title_removed'));
  const cased = { givenName: cut(wellCased(bare.givenName)), familyName: cut(wellCased(bare.familyName)) };
  if (cased.givenName !== bare.givenName) issues.push(issue(given, 'name_case_corrected'));
  if (cased.familyName !== bare.familyName) issues.push(issue(family, 'name_case_corrected'));
  return cased;
}

/**
 * A whole name of one field in its parts. `FAMILY, Given` is put right, Chinese names have the family name first, of
 * others the last word with its particles is the family name. Titles and degrees go, Jr. and Sr. stay. Names all in
 * capitals or all in small letters get capitals where names have them; any other case stays, and accents always do.
 */
export function cleanFullName(raw: string, field = 'person'): Cleaned<PersonName> {
  const { text, issues } = tidy(raw, field, 2 * MOST);
  const bare = text.replace(chineseTitle, '').trim();
  const parts = inTwo(bare) ?? lastWordFamily(bare);
  const cleaned = cleanPersonName(parts, field);
  return { ...cleaned, issues: [...issues, ...cleaned.issues] };
}

/** The parts of `Family, Given` or of a whole Chinese name; undefined for anything else. */
function inTwo(whole: string): PersonName | undefined {
  const compactName = whole.replace(/ /g, '');
  if (isChinese(compactName) && [...compactName].length >= 2 && [...compactName].length <= 4)
    return splitChinese(compactName);
  const comma = /^([^,]+), ?([^,]+)$/.exec(whole);
  if (!comma) return undefined;
  const [familyName = '', givenName = ''] = comma.slice(1).map((part) => part.trim());
  const after = givenName.toLowerCase();
  if (after in generations || degrees.has(after)) return undefined;
  return familyName === '' || givenName === '' ? undefined : { familyName, givenName };
}

function lastWordFamily(whole: string): PersonName {
  const words = wordsWithoutTitles(whole);
  let start = words.length - 1;
  if (start > 1 && (words[start] as string).toLowerCase() in generations) start -= 1;
  while (start > 1 && particles.has((words[start - 1] as string).toLowerCase())) start -= 1;
  return {
    givenName: words.slice(0, Math.max(start, 0)).join(' '),
    familyName: words.slice(Math.max(start, 0)).join(' '),
  };
}

function wordsWithoutTitles(text: string): string[] {
  const words = text
    .replace(/,/g, ' ')
    .split(' ')
    .filter((word) => word !== '');
  while (words.length > 1 && titles.has((words[0] as string).toLowerCase())) words.shift();
  while (words.length > 1 && degrees.has((words.at(-1) as string).toLowerCase())) words.pop();
  return words;
}

function withoutTitles({ givenName, familyName }: PersonName): PersonName {
  const strip = (text: string): string => {
    if (isChinese(text)) return text.length > 2 ? text.replace(chineseTitle, '') : text;
    const words = wordsWithoutTitles(text);
    const last = words.at(-1)?.toLowerCase() ?? '';
    if (words.length > 1 && last in generations) words.splice(-1, 1, generations[last] as string);
    return words.join(' ');
  };
  const joined = (text: string): string => (isChinese(text.replace(/ /g, '')) ? text.replace(/ /g, '') : text);
  return { givenName: joined(strip(givenName)) || givenName, familyName: joined(strip(familyName)) || familyName };
}

/** Capitals where names have them, if the text is all in capitals or all in small letters. */
function wellCased(text: string): string {
  const letterCase = caseOf(text);
  if (letterCase !== 'upper' && letterCase !== 'lower') return text;
  const words = text.split(' ');
  const made = words.map((word, at) => {
    const lower = word.toLowerCase();
    if (lower in generations && at > 0) return generations[lower] as string;
    // Initials: JP, J., R.
    if (letterCase === 'upper' && !/[AEIOUYÀ-ÖØ-Ý]/u.test(word) && word.length <= 2) return word;
    if (particles.has(lower) && words.length > 1 && at < words.length - 1) return lower;
    const cased = capitalised(word);
    return cased.replace(/^Mc(\p{Ll})/u, (_all, letter: string) => `Mc${letter.toUpperCase()}`);
  });
  const result = made.join(' ').normalize('NFC');
  return caseOf(result) === 'lower' ? capitalised(made[0] ?? '') + result.slice((made[0] ?? '').length) : result;
}

/** Some letters become two when their case changes. */
function cut(text: string): string {
  return text.length <= MOST ? text : [...text].slice(0, MOST).join('').trim();
}

function doubts(name: string, field: string): Issue[] {
  if (name === '') return [issue(field, 'name_missing')];
  if (placeholders.has(name.toLowerCase())) return [issue(field, 'name_placeholder')];
  const found: Issue[] = [];
  if (unusual.test(name)) found.push(issue(field, 'name_unusual_characters'));
  if (scripts.filter((script) => script.test(name)).length > 1) found.push(issue(field, 'name_mixed_script'));
  return found;
}

/** Family name, then given name, folded; Chinese characters as Pinyin, so that both ways to write a name have one key. */
export function nameKey({ familyName, givenName }: PersonName): string {
  const part = (text: string, kind: 'family' | 'given'): string =>
    isChinese(text)
      ? syllables(text, kind).join('')
      : foldedWords(text)
          .filter((word) => !(word in generations))
          .join(' ');
  return `${part(familyName, 'family')} ${part(givenName, 'given')}`.trim();
}
