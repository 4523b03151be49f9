import { everything } from '@rapport/kit/db';
import type { GroupCount, GroupTitle, SchemeProblem } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { type FactFilter, factFilter } from '../fact/fact.js';
import { everyParty, rangesFor } from '../membership/membership.js';
import { anyMerged } from '../merge/merge.js';
import { compileRules, type DayNumber, type Rule } from '../rule/rule.js';
import type { Found, ScannedScheme } from '../scan/scan.js';
import { soundRuleInUse } from '../segment/segment.js';
import { provePartition } from './prove.js';

/** A group with its rule. */
interface NamedRule {
  title: GroupTitle;
  rule: string;
}

/** How the parties fall into the groups, and who shows that they do not fall into exactly one. */
export interface Counted {
  /** The rules of the groups, read. */
  rules: Rule[];
  totals: { counts: GroupCount[]; uncovered: bigint; overlapping: bigint };
  /** A party in two groups, with their ids. */
  overlap?: { party: string; groups: string[] } | undefined;
  /** A party in none. */
  gap?: string | undefined;
}

interface CountRow {
  counts: number[];
  uncovered: number;
  overlapping: number;
  gap: string;
  twice: string;
  twice_hits: number[];
}

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Counts the parties of each group. With the scheme's id, a rule that asks for its own group is refused. */
export async function countGroups(
  deps: Deps,
  groups: readonly NamedRule[],
  { asOf, where, schemeId, signal }: { asOf: DayNumber; where: FactFilter; schemeId?: string; signal?: AbortSignal },
): Promise<Counted> {
  const merged = await anyMerged(deps.db.system);
  const read = await Promise.all(
    groups.map(({ title, rule }) => soundRuleInUse(deps.db.system, rule, schemeId && `${schemeId}-${title.groupId}`)),
  );
  const rules = read.map(({ rule }) => ({ rule, asOf }));
  const segments = read.find((one) => one.segments)?.segments;
  const limits = { where, merged, segments, ranged: true };
  const { from, conditions, joins, parameters } = compileRules(rules, deps.zone, limits);
  const hits = conditions.map((condition) => `toUInt8(${condition})`).join(', ');
  const found: CountRow = {
    counts: groups.map(() => 0),
    uncovered: 0,
    overlapping: 0,
    gap: NOBODY,
    twice: NOBODY,
    twice_hits: [],
  };
  // Range by range, so that the largest bank takes no more memory than a small one: counts add up.
  for (const range of await rangesFor(deps.analytics, { joins })) {
    const [row] = await deps.analytics.query<CountRow>(
      `SELECT sumForEach(hits) AS counts, countIf(arraySum(hits) = 0) AS uncovered, countIf(arraySum(hits) > 1) AS overlapping,
        toString(minIf(party, arraySum(hits) = 0)) AS gap, toString(minIf(party, arraySum(hits) > 1)) AS twice,
        argMinIf(hits, party, arraySum(hits) > 1) AS twice_hits
      FROM (SELECT p.party AS party, [${hits}] AS hits FROM ${from})`,
      { ...parameters, ...range },
      signal ? { signal } : {},
    );
    if (!row) continue;
    found.counts = found.counts.map((count, index) => count + Number(row.counts[index] ?? 0));
    found.uncovered += Number(row.uncovered);
    found.overlapping += Number(row.overlapping);
    if (found.gap === NOBODY) found.gap = row.gap;
    if (found.twice === NOBODY) [found.twice, found.twice_hits] = [row.twice, row.twice_hits];
  }
  const totals = {
    counts: groups.map(({ title }, index) => ({ groupId: title.groupId, parties: BigInt(found.counts[index] ?? 0) })),
    uncovered: BigInt(found.uncovered),
    overlapping: BigInt(found.overlapping),
  };
  const both = groups.filter((_, index) => found.twice_hits[index]).map(({ title }) => title.groupId);
  return {
    rules: read.map(({ rule }) => rule),
    totals,
    overlap: found.twice === NOBODY ? undefined : { party: `parties/${found.twice}`, groups: both },
    gap: found.gap === NOBODY ? undefined : `parties/${found.gap}`,
  };
}

/**
 * What keeps groups from being a partition: by proof, over all values that features could have, and by the parties as
 * they are. A party that shows it stands in the answer; where none does, values that would.
 */
export function partitionProblems(
  groups: readonly NamedRule[],
  { rules, overlap, gap }: Pick<Counted, 'rules' | 'overlap' | 'gap'>,
): { problems: SchemeProblem[]; proved: boolean } {
  const proof = provePartition(rules);
  const problems: SchemeProblem[] = [];
  const byProof = proof.verdict === 'overlap' ? proof.groups.map((index) => groups[index]?.title.groupId ?? '') : [];
  const example = 'example' in proof ? proof.example : '';
  if (proof.verdict === 'overlap' || overlap) {
    const both = overlap?.groups ?? byProof;
    problems.push({
      field: 'rules.groups',
      reason: 'PARTITION_OVERLAP',
      message: `A party can be in ${both.join(' and in ')}.`,
      groups: both,
      exampleParty: overlap?.party ?? '',
      example: proof.verdict === 'overlap' ? example : '',
    });
  }
  if (proof.verdict === 'gap' || gap) {
    problems.push({
      field: 'rules.groups',
      reason: 'PARTITION_GAP',
      message: 'A party can be in none of the groups. A group for all others closes every gap.',
      groups: [],
      exampleParty: gap ?? '',
      example: proof.verdict === 'gap' ? example : '',
    });
  }
  if (proof.verdict === 'too complex' && problems.length === 0) {
    problems.push({
      field: 'rules.groups',
      reason: 'PARTITION_NOT_PROVED',
      message: 'The rules ask for too many things at once to be proved. Write bands, or fewer and simpler groups.',
      groups: [],
      exampleParty: '',
      example: '',
    });
  }
  return { problems, proved: proof.verdict === 'proved' };
}

/** The group of every party by the rules of a partition on a day, beside the one by other rules, as SQL. */
export async function findPartition(
  deps: Deps,
  row: ScannedScheme,
  { groups, before, day }: { groups: readonly NamedRule[]; before: readonly NamedRule[]; day: DayNumber },
): Promise<Found> {
  const merged = await anyMerged(deps.db.system);
  const both = [...groups, ...before];
  const read = await Promise.all(both.map(({ rule }) => soundRuleInUse(deps.db.system, rule)));
  const where = factFilter(everything, row.organisation_path);
  const segments = read.find((one) => one.segments)?.segments;
  const limits = { where, merged, segments, ranged: true };
  const { from, conditions, parameters } = compileRules(
    read.map(({ rule }) => ({ rule, asOf: day })),
    deps.zone,
    limits,
  );
  const ids = both.map(({ title }) => title.groupId);
  const groupOf = (start: number, end: number): string => {
    const parts = conditions
      .slice(start, end)
      .map((one, at) => `${one}, {partition_ids:Array(String)}[${start + at + 1}]`);
    return parts.length === 0 ? "''" : `multiIf(${parts.join(', ')}, '')`;
  };
  return {
    text: `SELECT p.party AS party, p.organisation_path AS path, p.manager AS manager,
      ${groupOf(groups.length, both.length)} AS old_group, ${groupOf(0, groups.length)} AS found_group FROM ${from}`,
    parameters: { ...parameters, ...everyParty, partition_ids: ids },
    group: 'found_group',
    score: '0',
  };
}
