import type { Comparer } from './comparison.js';
import { type Field, field } from './fields.js';
import { mayShareHousehold, type Parameters } from './model.js';
import { column, type Population, WIDTH } from './population.js';

// The hottest loops of the service: a global looked up for every unit costs more than the comparison.
const { log2, max } = Math;

/** A model that pairs are judged by. */
export interface Model {
  fields: readonly Field[];
  parameters: Parameters;
}

/** What one field says about a pair. */
export interface Evidence {
  field: string;
  /** The name of the level; 'missing' where a side knows nothing. */
  level: string;
  /** Bits for (above 0) or against being one party, the rarity of the value included. */
  weight: number;
  /** The part of `weight` that comes from the value being rarer or commoner than the average one. */
  rarity: number;
}

/** The score of a pair. */
export interface Score {
  /** The sum of all evidence in bits: log2 of the odds. */
  weight: number;
  /** The same as a chance, 0 to 1. */
  probability: number;
  /** Filled when asked for. Its weights, `prior` and `household` add up to `weight`. */
  evidence: Evidence[];
  /** Bits before anything was compared: how rare it is that two records are one party. */
  prior: number;
  /** Bits taken back because two people of one household agree in so much, too; 0 or below. */
  household: number;
}

/** How many records have the text, and the share of those that know the field; undefined where that is not known. */
export type Frequency = (field: number, text: number) => { count: number; share: number } | undefined;

/** Fewer records than this may share what identifies, being one party's own. */
const MANY = 25;

/** A value said by one in a million is no stronger than one said by one in the number of the records. */
const LEAST_FREQUENCY = 1e-8;

/** How often strangers stand at the levels of a field, where a level may not say more than so many bits. */
export function believable({ levels }: Field, m: readonly number[], u: readonly number[]): number[] {
  return u.map((value, stands) => max(value, (m[stands] as number) / 2 ** (levels[stands]?.most ?? 64)));
}

/** Scores pairs of the comparer's population. */
export function scorer(
  { fields, parameters }: Model,
  comparer: Comparer,
  frequency: Frequency,
): { levels: Uint8Array; score(a: number, b: number, explain?: boolean): Score; weight(a: number, b: number): number } {
  const { m, match, household } = parameters;
  const u = fields.map((one, at) => believable(one, m[at] as number[], parameters.u[at] as number[]));
  const levels = new Uint8Array(fields.length);
  const strangers = 1 - match - household;
  const prior = log2(match / strangers);
  const householdOdds = household / strangers;
  const usual = fields.map((_field, at) =>
    (m[at] as number[]).map((value, stands) => value / (u[at]?.[stands] as number)),
  );
  const exact = fields.map(({ levels: of }) => of.map((one) => one.exact));
  const shares = fields.map((one) => one.household);
  const result: Score = { weight: 0, probability: 0, evidence: [], prior, household: 0 };

  /** How often strangers stand so with these values. */
  function chance(a: number, b: number, at: number, stands: number): number {
    const average = u[at]?.[stands] as number;
    const counts = exact[at]?.[stands];
    if (!counts) return average;
    const text = comparer.term(a, b, at);
    const found = text === 0 ? undefined : frequency(at, text);
    if (!found) return average;
    if (counts === 'common') return found.count < MANY ? average : max(average, found.share);
    return max(found.share, LEAST_FREQUENCY);
  }

  function score(a: number, b: number, explain = false): Score {
    comparer.compare(a, b, levels);
    let bits = 0;
    let home = 1;
    if (explain) result.evidence = [];
    for (let at = 0; at < fields.length; at += 1) {
      const stands = (levels[at] as number) - 1;
      if (stands < 0) {
        if (explain)
          result.evidence.push({ field: (fields[at] as Field).name, level: 'missing', weight: 0, rarity: 0 });
        continue;
      }
      const mine = m[at]?.[stands] as number;
      const theirs = chance(a, b, at, stands);
      const share = shares[at] as number;
      const weight = log2(mine / theirs);
      bits += weight;
      home *= (share * mine) / theirs + 1 - share;
      if (explain) {
        const rarity = weight - log2(usual[at]?.[stands] as number);
        const { name } = (fields[at] as Field).levels[stands] as { name: string };
        result.evidence.push({ field: (fields[at] as Field).name, level: name, weight, rarity });
      }
    }
    result.household = mayShareHousehold(levels) ? -log2(1 + householdOdds * home) : 0;
    result.weight = prior + bits + result.household;
    result.probability = 1 / (1 + 2 ** -result.weight);
    return result;
  }

  return { levels, score, weight: (a, b) => score(a, b).weight };
}

/** How many records of the population have a text, and which share of those that know the field. */
export function frequencies(population: Population, attributes: number): Frequency {
  const { columns, counts, size } = population;
  const own: [number, readonly number[]][] = [
    [field.given, [column.given]],
    [field.family, [column.family]],
    [field.birth, [column.birth]],
    [field.place, [column.postal, column.locality]],
    [field.email, [column.emails]],
    [field.phone, [column.phones]],
    [field.identifier, [column.identifiers]],
    ...Array.from({ length: attributes }, (_none, at): [number, readonly number[]] => [
      field.attributes + at,
      [column.attributes + at],
    ]),
  ];
  const totals = new Float64Array(field.attributes + attributes);
  for (const [at, from] of own) {
    for (let record = 0; record < size; record += 1) {
      if (from.some((one) => columns[record * WIDTH + one] !== 0)) totals[at] = (totals[at] as number) + 1;
    }
  }
  return (at, text) => {
    const count = counts[text] as number;
    const total = totals[at] as number;
    return total === 0 ? undefined : { count, share: count / total };
  };
}
