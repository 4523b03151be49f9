import { type Call, scopeFor } from '@rapport/kit/rpc';
import {
  type CountRulePartsRequest,
  type CountRulePartsResponse,
  type RuleDoubt,
  RulePartKind,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { tell, type Told } from '../explanation/explanation.js';
import { type FactFilter, factFilter } from '../fact/fact.js';
import { rangesFor } from '../membership/membership.js';
import { anyMerged } from '../merge/merge.js';
import {
  compileRules,
  compileValues,
  type DayNumber,
  describeRule,
  type Leaf,
  ruleText,
  type SegmentRules,
} from '../rule/rule.js';
import { dateMessage, requestedDay, soundRuleInUse, today } from '../segment/segment.js';
import { type AskedText, beforeFacts, everybodyMeets, nobodyMeets, textsOf, unknownText, windowsOf } from './doubt.js';
import { isSmall, SMALLEST, tellsOfFew } from './small.js';

/** So many values that there are stand in for one that there is not. */
const SUGGESTED = 8;
/** For so many texts that nobody has the others are looked up: each costs a statement. */
const LOOKED_UP = 3;

const kinds: Readonly<Record<string, RulePartKind>> = {
  and: RulePartKind.RULE_PART_KIND_ALL,
  or: RulePartKind.RULE_PART_KIND_ANY,
  not: RulePartKind.RULE_PART_KIND_NOT,
};

/** What stands for a part where its leaves are columns l0, l1 and so on. */
function conditionOf({ rule, parts, leaf }: Told): string {
  if (leaf !== undefined) return `l${leaf}`;
  const inner = parts.map(conditionOf);
  return rule.kind === 'not' ? `NOT (${inner.join()})` : `(${inner.join(rule.kind === 'and' ? ' AND ' : ' OR ')})`;
}

/** Every part, outer ones before those in them. */
function* partsOf(told: Told, depth = 0): Generator<{ told: Told; depth: number }> {
  yield { told, depth };
  for (const part of told.parts) yield* partsOf(part, depth + 1);
}

/** What all statements of one answer look at. */
interface Look {
  asOf: DayNumber;
  where: FactFilter;
  merged: boolean;
  segments: SegmentRules | undefined;
  signal: AbortSignal;
}

/** The most frequent texts that parties in reach have in the place of one that nobody has; of `least` parties each. */
async function textsThatThereAre(deps: Deps, { left }: AskedText, look: Look, least: number): Promise<string[]> {
  const { asOf, signal, ...limits } = look;
  const { from, values, parameters } = compileValues([], { values: [left], asOf }, deps.zone, limits);
  const rows = await deps.analytics.query<{ value: string }>(
    `SELECT toString(value) AS value FROM (SELECT ${values[0]?.sql} AS value FROM ${from})
      WHERE value IS NOT NULL AND value != '' GROUP BY value HAVING count() >= ${least}
      ORDER BY count() DESC, value LIMIT ${SUGGESTED}`,
    parameters,
    { signal },
  );
  return rows.map(({ value }) => value);
}

/** Doubts about the days that a leaf looks at; `firstDays` keeps the first day of each table. */
async function doubtsOfDays(deps: Deps, leaf: Leaf, look: Look, firstDays: Map<string, number>): Promise<RuleDoubt[]> {
  const doubts: RuleDoubt[] = [];
  for (const looked of windowsOf(leaf, look.asOf, deps.zone)) {
    const { table, column, from } = looked;
    let first = firstDays.get(table);
    if (first === undefined) {
      const [row] = await deps.analytics.query<{ first: number }>(
        `SELECT minIf(${column}, ${column} > 0) AS first FROM ${table}`,
        {},
        { signal: look.signal },
      );
      first = Number(row?.first ?? 0);
      firstDays.set(table, first);
    }
    if (first === 0 || from < first) doubts.push(beforeFacts(looked, first));
  }
  return doubts.filter(({ message }, index) => doubts.findIndex((one) => one.message === message) === index);
}

/**
 * Gives how many parties in reach meet each part of a rule, and what makes one doubt a part: so nothing matches nobody in
 * silence. Throws RULE_INVALID, DATE_INVALID.
 */
export async function countRuleParts(
  deps: Deps,
  request: CountRulePartsRequest,
  call: Call,
): Promise<CountRulePartsResponse> {
  const { db, analytics, zone, reads } = deps;
  const { rule, segments } = await soundRuleInUse(db.system, request.rule);
  const asOf = requestedDay(request.asOf) ?? today(deps);
  const merged = await anyMerged(db.system);
  const where = factFilter(call.scope, request.organisationPath, { manager: true });
  const look: Look = { asOf, where, merged, segments, signal: call.signal };
  const { told, leaves } = tell({ rule, text: request.rule, asOf });
  const parts = [...partsOf(told)];
  const texts = leaves.map(({ leaf }) => textsOf(leaf));
  const asked = [...leaves.map(({ leaf }) => leaf), ...texts.flat().map(({ asks }) => asks)];
  const dated = asked.map((leaf) => ({ rule: leaf, asOf }));
  const { from, conditions, joins, parameters } = compileRules(dated, zone, { where, merged, segments, ranged: true });
  const columns = conditions.map((text, index) => `${text} AS l${index}`);
  const counted = [
    ...parts.map((part) => conditionOf(part.told)),
    ...texts.flat().map((_, at) => `l${leaves.length + at}`),
  ];
  const started = performance.now();
  let population = 0;
  let counts = counted.map(() => 0);
  for (const range of await rangesFor(analytics, { joins })) {
    const [row] = await analytics.query<{ population: number; counts: number[] }>(
      `SELECT count() AS population, [${counted.map((text) => `countIf(${text})`).join(', ')}] AS counts
        FROM (SELECT ${columns.join(', ')} FROM ${from})`,
      { ...parameters, ...range },
      { signal: call.signal },
    );
    population += Number(row?.population ?? 0);
    counts = counts.map((count, index) => count + Number(row?.counts[index] ?? 0));
  }
  const shown = scopeFor(call, 'C2').kind !== 'nothing';
  const firstDays = new Map<string, number>();
  const haveOf = counts.slice(parts.length);
  let lookedUp = 0;
  const doubtsOf = async (leaf: Leaf, place: number, count: number): Promise<RuleDoubt[]> => {
    const doubts = await doubtsOfDays(deps, leaf, look, firstDays);
    const before = texts.slice(0, place).flat().length;
    for (const [at, text] of (texts[place] ?? []).entries()) {
      if (haveOf[before + at] !== 0) continue;
      lookedUp += 1;
      doubts.push(
        unknownText(text, lookedUp > LOOKED_UP ? [] : await textsThatThereAre(deps, text, look, shown ? 1 : SMALLEST)),
      );
    }
    if (doubts.length === 0 && count === 0) doubts.push(nobodyMeets(leaf));
    // A rule of one part may be meant to take everybody.
    if (count === population && leaves.length > 1) doubts.push(everybodyMeets);
    return doubts;
  };
  const answered: CountRulePartsResponse['parts'] = [];
  for (const [index, { told: part, depth }] of parts.entries()) {
    const count = counts[index] ?? 0;
    // Nor may two parts together tell of few: what is in the one and not in the other.
    const few =
      tellsOfFew({ count, population }) || parts.some((_, at) => isSmall(Math.abs(count - (counts[at] ?? 0))));
    const hidden = !shown && few;
    const leaf = part.leaf === undefined ? undefined : leaves[part.leaf]?.leaf;
    answered.push({
      kind: kinds[part.rule.kind] ?? RulePartKind.RULE_PART_KIND_CONDITION,
      depth,
      description: describeRule(part.rule),
      rule: ruleText(part.rule, request.rule),
      count: hidden ? 0n : BigInt(count),
      hidden,
      doubts: leaf && population > 0 ? await doubtsOf(leaf, part.leaf ?? 0, count) : [],
    });
  }
  const sqlMs = performance.now() - started;
  await reads.record(call, 'segments:countParts');
  return {
    parts: answered,
    population: BigInt(population),
    smallestCount: shown ? 0 : SMALLEST,
    asOf: dateMessage(asOf),
    sqlMs,
  };
}
