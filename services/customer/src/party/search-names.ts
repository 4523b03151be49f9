import { type Queryable, type Sql, sql } from '@rapport/kit/db';
import { foldedWords } from '../cleaning/cleaning.js';
import { type Ways, wordsBy } from './search-places.js';
import { initialsOf } from './search-terms.js';
import { similarWords } from './similar-words.js';

/** Sorts after every continuation of a word: the highest code point. */
const HIGHEST = '\u{10FFFF}';
const MOST_WORDS = 6;
/** Rows that are counted to see which word is rare; beyond it they are all frequent. */
const COUNTED = 1_000;
/** Rows of a small part of the bank that are all read and sorted; where there are more, the index is walked in order. */
const MOST_SORTED = 5_000;

/** A party found by name, and where the search stands after it. */
export interface Found {
  partyId: string;
  /** 0: every word is one of the name; 1: every word begins one; then those with slips, by what they were taken for. */
  step: number;
  /** Which word of the query leads the search. */
  lead: number;
  /** The word of the name that was found by it. */
  word: string;
}

/** The folded words of a query, tones of Pinyin left out: `wang2 xiao3ming2`, `Wáng Xiǎomíng`. */
export function queryWords(text: string): string[] {
  const words = foldedWords(text).map((word) => (/^(?:[a-z]+[1-5])+$/.test(word) ? word.replace(/\d/g, '') : word));
  return [...new Set(words)].slice(0, MOST_WORDS);
}

/** A word that is asked for, and others that it may be a misspelling of. */
interface Wanted {
  word: string;
  similar: string[];
}

type Level = 'exact' | 'prefix' | 'similar';

/** Whether the party of `d` has a word as wanted. A scalar subquery: asked for each row in turn, never joined. */
function has({ word, similar }: Wanted, level: Level): Sql {
  const by = {
    exact: sql`o.word = ${word}`,
    prefix: sql`o.word >= ${word} AND o.word <= ${word + HIGHEST}`,
    similar: sql`(o.word >= ${word} AND o.word <= ${word + HIGHEST} OR o.word = ANY(${similar}::text[]))`,
  };
  return sql`(SELECT true FROM party_word o WHERE o.party_id = d.party_id AND ${by[level]} LIMIT 1) IS TRUE`;
}

function all(wanted: readonly Wanted[], level: Level): Sql {
  return wanted.length === 0
    ? sql`TRUE`
    : sql.join(
        wanted.map((one) => has(one, level)),
        ' AND ',
      );
}

interface Range {
  from: string;
  to: string;
  where: Sql;
}

/** What one step looks through: a range of words of the lead, and what else must hold, earlier steps left out. */
function rangeOf(step: number, lead: Wanted, others: readonly Wanted[]): Range {
  const { word, similar } = lead;
  const beginning = { from: word, to: word + HIGHEST };
  // A party with several words in the range is found by the first of them alone.
  const firstOfIts = sql`(SELECT true FROM party_word s WHERE s.party_id = d.party_id
    AND s.word >= ${word} AND s.word < d.word LIMIT 1) IS NULL`;
  if (step === 0) return { from: word, to: word, where: all(others, 'exact') };
  if (step === 1) {
    const where = sql`${all(others, 'prefix')} AND NOT (d.word = ${word} AND ${all(others, 'exact')}) AND ${firstOfIts}`;
    return { ...beginning, where };
  }
  if (step === 2) {
    return { ...beginning, where: sql`${all(others, 'similar')} AND NOT (${all(others, 'prefix')}) AND ${firstOfIts}` };
  }
  const taken = similar[step - 3] as string;
  const before = { word, similar: similar.slice(0, step - 3) };
  return { from: taken, to: taken, where: sql`${all(others, 'similar')} AND NOT (${has(before, 'similar')})` };
}

/** The word that leads a search, and the ways to its rows; see `waysTo`. */
interface Lead {
  lead: number;
  ways: Ways;
}

/**
 * Counts the rows that begin with each word or are similar, up to some, so that the rarest leads; `lead` is that of the
 * page before. Rows so many that they are not worth sorting are walked through without ways.
 */
async function leadOf(on: Queryable, wanted: readonly Wanted[], ways: Ways, lead?: number): Promise<Lead> {
  if (ways.length === 0 && (lead !== undefined || wanted.length === 1)) return { lead: lead ?? 0, ways };
  const most = ways.length === 0 ? COUNTED : MOST_SORTED;
  const counted = (which: Sql): Sql =>
    sql`(SELECT count(*) FROM (SELECT FROM (${wordsBy(ways, which)}) AS w LIMIT ${most}) AS r)::int`;
  const counts = wanted.map(({ word, similar }) => {
    const beginning = counted(sql`word >= ${word} AND word <= ${word + HIGHEST}`);
    return similar.length === 0 ? beginning : sql`${beginning} + ${counted(sql`word = ANY(${similar}::text[])`)}`;
  });
  const { found } = await on.one<{ found: number[] }>(sql`SELECT ARRAY[${sql.join(counts, ', ')}] AS found`);
  const rarest = lead ?? found.indexOf(Math.min(...found));
  return { lead: rarest, ways: (found[rarest] ?? 0) < most ? ways : [] };
}

/** A word of up to five letters may be initials. */
function asInitials(words: readonly string[]): string {
  const only = words.length === 1 ? [...(words[0] as string)] : [];
  return only.every((letter) => /\p{L}/u.test(letter)) ? initialsOf(only) : '';
}

/**
 * Walks through one step in the order of the index, from where the last page ended. CASE keeps the planner from reading
 * the party of a word before it is known that the other words fit.
 */
async function walk(
  on: Queryable,
  step: number,
  wanted: readonly Wanted[],
  { lead, ways }: Lead,
  { place, after, most }: { place: Sql; after: Found | undefined; most: number },
): Promise<Found[]> {
  const others = wanted.filter((_one, at) => at !== lead);
  if (step === 2 && others.length === 0) return [];
  const { from, to, where } = rangeOf(step, wanted[lead] as Wanted, others);
  const begun = after?.step === step;
  const rows = await on.rows<{ partyId: string; word: string }>(sql`
    SELECT d.party_id AS "partyId", d.word
    FROM (${wordsBy(ways, sql`word >= ${from} AND word <= ${to}`)}) AS d
    WHERE ${begun ? sql`(d.word, d.party_id) > (${after.word}, ${after.partyId}::uuid)` : sql`TRUE`}
      AND ${place}
      AND CASE WHEN ${where} THEN (SELECT p.merged_into IS NULL FROM party p WHERE p.party_id = d.party_id) ELSE FALSE END
    ORDER BY d.word, d.party_id LIMIT ${most}`);
  return rows.map((row) => ({ ...row, step, lead }));
}

/**
 * Finds up to `most` parties by the words of a name, the best first: those that have every word, those where every word
 * begins one, those with slips. `place` says where they must stand, of `party_word d`; `ways` lead there. Each step walks an index in its
 * order and stops when enough is found, so that frequent names cost no more than rare ones; `after` is the last one of
 * the page before.
 */
export async function findByName(
  on: Queryable,
  words: readonly string[],
  { place, ways }: { place: Sql; ways: Ways },
  after: Found | undefined,
  most: number,
): Promise<Found[]> {
  const wanted: Wanted[] = words.map((word) => ({ word, similar: [] }));
  const found: Found[] = [];
  const begun = after?.step ?? 0;
  if (begun < 2) {
    const lead = await leadOf(on, wanted, ways, after?.lead);
    for (let step = begun; step < 2 && found.length < most; step += 1) {
      found.push(...(await walk(on, step, wanted, lead, { place, after, most: most - found.length })));
    }
    if (found.length >= most) return found;
  }
  // A page that is not full has room for those with slips.
  for (const one of wanted) one.similar = await similarWords(on, one.word);
  const initials = asInitials(words);
  if (initials !== '') (wanted[0] as Wanted).similar.push(initials);
  const lead = await leadOf(on, wanted, ways, begun >= 2 ? after?.lead : undefined);
  const steps = 3 + (wanted[lead.lead] as Wanted).similar.length;
  for (let step = Math.max(begun, 2); step < steps && found.length < most; step += 1) {
    found.push(...(await walk(on, step, wanted, lead, { place, after, most: most - found.length })));
  }
  return found;
}
