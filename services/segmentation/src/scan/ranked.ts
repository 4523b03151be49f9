import type { Parameter } from '@rapport/kit/analytics';
import type { Deps } from '../deps.js';
import { partyRanges } from '../membership/membership.js';

/** What a scan reads of every party of a scheme's part of the bank, as one SELECT. */
export interface Measures {
  /**
   * One row a party: `party`, `path`, `manager`, the numbers `m0`, `m1`, … (NULL where missing), `old_group` ('' for
   * none) and `old_score` (NULL for none) of the scheme on that day, and `taken`, 0 or 1, by the rule.
   */
  text: string;
  parameters: Record<string, Parameter>;
}

/** What is asked of the numbers of a scan. */
interface Asked {
  /** Columns of the measures, without missing values. */
  columns: readonly string[];
  /** A condition on the measures. */
  where: string;
  /** Which places of the numbers in their order are asked for, from 0, when there are so many. */
  ranks: (count: number) => readonly number[];
  signal: AbortSignal;
}

/** The numbers at the places that were asked for, and how many parties have one. */
export interface Ranked {
  count: number;
  /** For each column the numbers by their place. */
  at: Map<number, number>[];
}

const SIGN = '9223372036854775808';

/** A whole number that never falls as the number grows: its sign, its exponent and its first ten digits, in twos. */
function coarse(column: string): string {
  const bits = `reinterpretAsUInt64(toFloat64(${column}))`;
  return `toUInt32(bitShiftRight(if(${column} < 0, bitNot(${bits}), bitOr(${bits}, toUInt64(${SIGN}))), 42))`;
}

/** So many numbers lie before a group, and so many in it. */
interface Group {
  before: number;
  count: number;
}

/** Where groups of numbers lie in the order of all. */
function inOrder(counts: ReadonlyMap<number, number>): Map<number, Group> {
  let before = 0;
  const groups = new Map<number, Group>();
  for (const [key, count] of [...counts].sort(([a], [b]) => a - b)) {
    groups.set(key, { before, count });
    before += count;
  }
  return groups;
}

const holding = (groups: ReadonlyMap<number, Group>, rank: number): number | undefined =>
  [...groups].find(([, { before, count }]) => rank >= before && rank < before + count)?.[0];

/**
 * The numbers that stand at some places in the order of all, exactly. The parties are looked at range by range, twice:
 * once to find in which thousandth each place lies, once for the numbers in those. So it takes no more memory for the
 * largest bank, where to sort 10 million numbers of three columns at once takes 240 MB beside the joins.
 */
export async function numbersAt(
  { analytics }: Deps,
  { text, parameters }: Measures,
  { columns, where, ranks, signal }: Asked,
): Promise<Ranked> {
  const parts = columns.map((column, index) => `(toUInt8(${index}), ${coarse(column)}, toFloat64(${column}))`);
  const all = `SELECT arrayJoin([${parts.join(', ')}]) AS part, part.1 AS place, part.2 AS near, part.3 AS number
    FROM (${text}) WHERE ${where}`;
  const ranges = await partyRanges(analytics);
  const counts = columns.map(() => new Map<number, number>());
  for (const range of ranges) {
    const rows = await analytics.query<{ place: number; near: number; n: number }>(
      `SELECT place, near, count() AS n FROM (${all}) GROUP BY place, near SETTINGS max_threads = 2`,
      { ...parameters, ...range },
      { signal },
    );
    for (const { place, near, n } of rows) counts[place]?.set(near, (counts[place].get(near) ?? 0) + Number(n));
  }
  const count = [...(counts[0]?.values() ?? [])].reduce((sum, n) => sum + n, 0);
  const wanted = ranks(count).filter((rank) => rank >= 0 && rank < count);
  const groups = counts.map(inOrder);
  const nears = groups.map((of) => [...new Set(wanted.flatMap((rank) => holding(of, rank) ?? []))]);
  const numbers = columns.map(() => new Map<number, Map<number, number>>());
  const asked = nears.map((_, index) => `(place = ${index} AND has({near${index}:Array(UInt32)}, near))`).join(' OR ');
  for (const range of wanted.length > 0 ? ranges : []) {
    const rows = await analytics.query<{ place: number; near: number; number: number; n: number }>(
      `SELECT place, near, number, count() AS n FROM (${all}) WHERE ${asked} GROUP BY place, near, number
        SETTINGS max_threads = 2`,
      { ...parameters, ...range, ...Object.fromEntries(nears.map((one, index) => [`near${index}`, one])) },
      { signal },
    );
    for (const { place, near, number, n } of rows) {
      const found = numbers[place]?.get(near) ?? new Map<number, number>();
      found.set(number, (found.get(number) ?? 0) + Number(n));
      numbers[place]?.set(near, found);
    }
  }
  return {
    count,
    at: columns.map((_, index) => {
      const of = groups[index] ?? new Map<number, Group>();
      const found = new Map<number, number>();
      for (const rank of wanted) {
        const near = holding(of, rank) ?? 0;
        const number = holding(inOrder(numbers[index]?.get(near) ?? new Map()), rank - (of.get(near)?.before ?? 0));
        if (number !== undefined) found.set(rank, number);
      }
      return found;
    }),
  };
}

/** The party that is so far behind the first of those that meet a condition, by id; undefined when they are fewer. */
export async function partyAt(
  { analytics }: Deps,
  { text, parameters }: Measures,
  { where, behind, signal }: { where: string; behind: number; signal: AbortSignal },
): Promise<string | undefined> {
  let left = behind;
  for (const range of await partyRanges(analytics)) {
    const bound = { ...parameters, ...range };
    const those = `FROM (${text}) WHERE ${where}`;
    const [counted] = await analytics.query<{ n: number }>(`SELECT count() AS n ${those}`, bound, { signal });
    const n = Number(counted?.n ?? 0);
    if (left < n) {
      const [row] = await analytics.query<{ id: string }>(
        `SELECT toString(party) AS id ${those} ORDER BY party LIMIT 1 OFFSET {left:UInt64}`,
        { ...bound, left },
        { signal },
      );
      return row?.id;
    }
    left -= n;
  }
  return undefined;
}

/** How many parties meet a condition. */
export async function countWhere(
  { analytics }: Deps,
  { text, parameters }: Measures,
  where: string,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (const range of await partyRanges(analytics)) {
    const [row] = await analytics.query<{ n: number }>(
      `SELECT countIf(${where}) AS n FROM (${text})`,
      { ...parameters, ...range },
      { signal },
    );
    count += Number(row?.n ?? 0);
  }
  return count;
}

const HIGHEST = 2n ** 64n - 1n;

/**
 * So many parties by chance, the same for the same parties and seed: those with the lowest hashes. Range by range; the
 * further on, the fewer can still come in.
 */
export async function sampleOf<T>(
  { analytics }: Deps,
  { text, parameters }: Measures,
  {
    columns,
    where,
    seed,
    most,
    signal,
  }: { columns: string; where: string; seed: number; most: number; signal: AbortSignal },
): Promise<T[]> {
  let kept: { hash: bigint; row: T }[] = [];
  for (const range of await partyRanges(analytics)) {
    const highest = kept.length < most ? HIGHEST : (kept.at(-1)?.hash ?? HIGHEST);
    const rows = await analytics.query<T & { hash: string }>(
      `SELECT toString(sipHash64(party, {seed:UInt32})) AS hash, ${columns} FROM (${text})
        WHERE ${where} AND sipHash64(party, {seed:UInt32}) <= {highest:UInt64}
        ORDER BY sipHash64(party, {seed:UInt32}), party LIMIT {most:UInt32} SETTINGS max_threads = 2`,
      { ...parameters, ...range, seed, most, highest },
      { signal },
    );
    kept = [...kept, ...rows.map((row) => ({ hash: BigInt(row.hash), row }))];
    kept.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0));
    kept = kept.slice(0, most);
  }
  return kept.map(({ row }) => row);
}
