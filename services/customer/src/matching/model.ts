import { type Field, field, level } from './fields.js';

/**
 * What was learned about the fields, as Fellegi and Sunter (1969) describe it: how often two records of one party (`m`),
 * of two strangers (`u`) and of two people of one household (`h`) stand at each level, level 0 left out.
 */
export interface Parameters {
  m: number[][];
  u: number[][];
  /** How often two records taken at random are one party. */
  match: number;
  /** How often they are two people of one household. */
  household: number;
}

/** How many pairs stand at the same levels, by the code of their levels. */
export type Patterns = Map<number, number>;

/** The pairs that parameters are learned from. */
export interface Sample {
  fields: readonly Field[];
  /** Pairs taken at random. */
  random: Patterns;
  /** Pairs that share a blocking key. */
  candidates: Patterns;
  /** How many pairs each of `candidates` stands for; 1 when all of them are there. */
  scale: number;
  /** How many pairs there are at all. */
  pairs: number;
}

/** Levels as one number: each field is a digit. */
export function codeOf(fields: readonly Field[], levels: Uint8Array): number {
  let code = 0;
  for (let at = 0; at < fields.length; at += 1) {
    code = code * ((fields[at] as Field).levels.length + 1) + (levels[at] as number);
  }
  return code;
}

/** The levels of a code. */
export function levelsOf(fields: readonly Field[], code: number): Uint8Array {
  const levels = new Uint8Array(fields.length);
  let rest = code;
  for (let at = fields.length - 1; at >= 0; at -= 1) {
    const base = (fields[at] as Field).levels.length + 1;
    levels[at] = rest % base;
    rest = Math.floor(rest / base);
  }
  return levels;
}

/**
 * Whether two records may be of one household: they share a dwelling or a telephone. Only then are agreeing names and
 * places one fact rather than several.
 */
export function mayShareHousehold(levels: Uint8Array): boolean {
  const street = levels[field.street];
  return street === level.street.dwelling || street === level.street.street || levels[field.phone] === level.exact;
}

/**
 * Whether two records may be relatives rather than one party: they share a dwelling or a telephone, have another given
 * name (twins, spouses) or another birth date (parent and child of one name), and no identifier or e-mail address of
 * theirs agrees. Such a pair is never merged without a steward, however rare what they share.
 */
export function mayBeRelatives(levels: Uint8Array): boolean {
  if (!mayShareHousehold(levels)) return false;
  const agrees = (at: number): boolean => levels[at] === level.exact || levels[at] === 2;
  if (agrees(field.identifier) || agrees(field.email)) return false;
  return levels[field.given] === level.given.different || (levels[field.birth] as number) >= level.birth.year;
}

/**
 * Whether two records agree exactly in nothing that tells people apart, and only come near it: names, a birth date, an
 * e-mail address, a telephone with a typing error each. Near values alone are for a steward, however many they are, until a
 * model has learned from the bank itself how often such errors are made there.
 */
export function restsOnNear(levels: Uint8Array): boolean {
  if (levels[field.street] === level.street.dwelling) return false;
  return telling.every((at) => levels[at] !== level.exact);
}
const telling = [field.given, field.family, field.birth, field.email, field.phone, field.identifier];

/** How many pairs the prior of each level counts for. */
const PRIOR_STRENGTH = 20;
const ITERATIONS = 100;
const SETTLED = 1e-4;
/** No level is impossible. */
const LEAST = 1e-9;

/** What is believed before anything was seen. `u` is then that of a bank of a million people. */
export function priorParameters(fields: readonly Field[], pairs: number): Parameters {
  const m = fields.map(({ levels }) => levels.map(({ prior }) => prior));
  const u = fields.map(({ levels }) =>
    levels.map((_one, at) => (at === levels.length - 1 ? 0.98 : 0.02 / (levels.length - 1))),
  );
  const match = Math.min(0.1, Math.max(1 / Math.sqrt(2 * pairs) / 2, 1e-9));
  return { m, u, match, household: match / 2 };
}

interface Pattern {
  levels: Uint8Array;
  count: number;
}

function patternsOf(fields: readonly Field[], patterns: Patterns): Pattern[] {
  return [...patterns].map(([code, count]) => ({ levels: levelsOf(fields, code), count }));
}

/** The chances that a pair at these levels is one party, and one household. */
function posterior(fields: readonly Field[], parameters: Parameters, levels: Uint8Array): [number, number] {
  const { m, u, match, household } = parameters;
  let same = match;
  let strangers = 1 - match - household;
  let home = mayShareHousehold(levels) ? household : 0;
  for (let at = 0; at < fields.length; at += 1) {
    const stands = (levels[at] as number) - 1;
    if (stands < 0) continue;
    const mine = m[at]?.[stands] as number;
    const theirs = u[at]?.[stands] as number;
    const share = (fields[at] as Field).household;
    same *= mine;
    strangers *= theirs;
    home *= share * mine + (1 - share) * theirs;
  }
  const all = same + strangers + home;
  return all === 0 ? [0, 0] : [same / all, home / all];
}

function normalised(counts: readonly number[]): number[] {
  const floored = counts.map((count) => Math.max(count, LEAST));
  const sum = floored.reduce((total, count) => total + count, 0);
  return floored.map((count) => Math.max(count / sum, LEAST));
}

/**
 * Learns the parameters without labels by expectation–maximisation (Dempster, Laird, Rubin 1977) over all pairs of the
 * population, of which those that share no blocking key count as strangers: `m` and the shares of parties and households
 * come from the candidates, `u` from random pairs weighted by their chance to be strangers, or, for levels too rare to
 * occur among those, from the candidates that are strangers. A prior worth 20 pairs keeps `m` sane where little is to be
 * seen. Deterministic. `onStep` hears how far the largest change of an `m` has come.
 */
export function learn(
  sample: Sample,
  onStep: (iteration: number, change: number) => void = () => undefined,
): Parameters {
  const { fields, pairs, scale } = sample;
  const candidates = patternsOf(fields, sample.candidates);
  const random = patternsOf(fields, sample.random);
  let parameters = priorParameters(fields, pairs);
  // Before the first step almost every random pair is one of strangers.
  parameters.u = tally(fields, random, () => 1).map((counts) => normalised(counts.map((count) => count + 0.5)));
  for (let iteration = 1; iteration <= ITERATIONS; iteration += 1) {
    const next = step(fields, candidates, random, parameters, pairs, scale);
    let change = 0;
    next.m.forEach((row, at) =>
      row.forEach((value, stands) => {
        change = Math.max(change, Math.abs(value - (parameters.m[at]?.[stands] as number)));
      }),
    );
    parameters = next;
    onStep(iteration, change);
    if (change < SETTLED) break;
  }
  return parameters;
}

/** For each field and level, the sum of the pairs' weights. */
function tally(
  fields: readonly Field[],
  patterns: readonly Pattern[],
  weight: (pattern: Pattern, index: number) => number,
): number[][] {
  const sums = fields.map(({ levels }) => levels.map(() => 0));
  patterns.forEach((pattern, index) => {
    const share = weight(pattern, index) * pattern.count;
    for (let at = 0; at < fields.length; at += 1) {
      const stands = (pattern.levels[at] as number) - 1;
      if (stands >= 0) (sums[at] as number[])[stands] = ((sums[at] as number[])[stands] as number) + share;
    }
  });
  return sums;
}

function step(
  fields: readonly Field[],
  candidates: readonly Pattern[],
  random: readonly Pattern[],
  parameters: Parameters,
  pairs: number,
  scale: number,
): Parameters {
  const chances = candidates.map(({ levels }) => posterior(fields, parameters, levels));
  let matches = 0;
  let households = 0;
  chances.forEach(([same, home], index) => {
    matches += same * (candidates[index] as Pattern).count;
    households += home * (candidates[index] as Pattern).count;
  });
  const found = tally(fields, candidates, (_pattern, index) => (chances[index] as [number, number])[0]);
  const m = found.map((counts, at) =>
    normalised(
      counts.map((count, stands) => count + PRIOR_STRENGTH * ((fields[at] as Field).levels[stands]?.prior as number)),
    ),
  );
  const away = random.map(({ levels }) => {
    const [same, home] = posterior(fields, parameters, levels);
    return 1 - same - home;
  });
  const strangers = tally(fields, random, (_pattern, index) => away[index] as number);
  const seen = tally(fields, candidates, (_pattern, index) => {
    const [same, home] = chances[index] as [number, number];
    return (1 - same - home) * scale;
  });
  const u = strangers.map((counts, at) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    // Nobody knows the field: nothing is to be learned about it.
    if (total === 0) return parameters.u[at] as number[];
    return normalised(
      counts.map((count, stands) => Math.max((count + 0.5) / (total + 1), (seen[at]?.[stands] as number) / pairs)),
    );
  });
  return {
    m,
    u,
    match: Math.max((matches * scale) / pairs, 0.5 / pairs),
    household: Math.max((households * scale) / pairs, 0.5 / pairs),
  };
}
