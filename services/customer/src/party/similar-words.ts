import { type Queryable, sql } from '@rapport/kit/db';

/** How many words that are written alike are tried for one that was typed. */
const MOST = 12;

/**
 * How many letters must be left out, put in, changed or swapped with their neighbour to make one word of the other
 * (optimal string alignment); `limit + 1` when it takes more than `limit`.
 */
export function slips(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let [older, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_none, at) => at)];
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row];
    let least = row;
    for (let at = 1; at <= b.length; at += 1) {
      const same = a[row - 1] === b[at - 1];
      let cost = Math.min(
        (last[at] as number) + 1,
        (next[at - 1] as number) + 1,
        (last[at - 1] as number) + (same ? 0 : 1),
      );
      const swapped = row > 1 && at > 1 && a[row - 1] === b[at - 2] && a[row - 2] === b[at - 1];
      if (swapped) cost = Math.min(cost, (older[at - 2] as number) + 1);
      next.push(cost);
      least = Math.min(least, cost);
    }
    if (least > limit) return limit + 1;
    [older, last] = [last, next];
  }
  return Math.min(last[b.length] as number, limit + 1);
}

/** None in a very short word, one in a short one, two in a long one. */
function allowed(word: string): number {
  return word.length < 4 ? 0 : word.length < 7 ? 1 : 2;
}

/**
 * Words of names that `word` may be a misspelling of, the most alike first, without itself and its continuations. Short
 * words are found by the forms that a slip leaves, long ones by trigrams too; both are indexes of the distinct words,
 * which are few beside the parties.
 */
export async function similarWords(on: Queryable, word: string): Promise<string[]> {
  const limit = allowed(word);
  if (limit === 0 || !/^\p{L}{4,30}$/u.test(word) || /\p{Script=Han}/u.test(word)) return [];
  const rows = await on.rows<{ word: string }>(
    limit === 1
      ? sql`SELECT word FROM name_word WHERE forms && name_forms(${word}) LIMIT 500`
      : sql`SELECT word FROM name_word WHERE forms && name_forms(${word}) OR word % ${word}
          ORDER BY similarity(word, ${word}) DESC LIMIT 100`,
  );
  return rows
    .filter((row) => !row.word.startsWith(word))
    .map((row) => ({ word: row.word, distance: slips(word, row.word, limit) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted(
      (a, b) => a.distance - b.distance || first(word, a.word) - first(word, b.word) || (a.word < b.word ? -1 : 1),
    )
    .slice(0, MOST)
    .map((row) => row.word);
}

/** Slips in the first letter are rare. */
function first(typed: string, word: string): number {
  return typed[0] === word[0] ? 0 : 1;
}
