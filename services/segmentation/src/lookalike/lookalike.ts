import type { Parameter } from '@rapport/kit/analytics';
import type { LookalikeFeature, LookalikeModel, LookalikePlan } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import {
  type Found,
  measure,
  type Measures,
  type Scan,
  type ScannedScheme,
  countWhere,
  numbersAt,
  partyAt,
  sampleOf,
} from '../scan/scan.js';
import { dateMessage } from '../segment/segment.js';
import { areaUnderCurve, cutsAt, evidence, type Example, fitLogistic, liftOfTenth, type Weights } from './logistic.js';

/** Parties of the seed, and of the others, that a model is fitted on. */
const SAMPLE = { seed: 10_000, others: 20_000 } as const;
const LEAST = 20;
const TENTHS = 10;

type Raw = (number | null)[];
interface Sampled {
  raw: Raw;
  taken: number;
}

/** Where the tenths of a number end; fewer where many parties have the same. */
function cutsOf(values: readonly (number | null)[]): number[] {
  const known = values.filter((one) => one !== null).sort((a, b) => a - b);
  const ends = Array.from(
    { length: TENTHS - 1 },
    (_, index) => known[Math.floor(((index + 1) * known.length) / TENTHS)],
  );
  // Of equal numbers none is cut from the other; above the highest there is nothing.
  return [...new Set(ends.filter((one) => one !== undefined && one < (known.at(-1) ?? 0)))] as number[];
}

/** The parts of all features one behind the other: of each its parts from low to high, then the missing one. */
function placesOf(raw: Raw, cuts: readonly (readonly number[])[]): number[] {
  let start = 0;
  return cuts.map((ends, index) => {
    const value = raw[index];
    const part = value === null || value === undefined ? ends.length + 1 : ends.filter((end) => value > end).length;
    const place = start + part;
    start += ends.length + 2;
    return place;
  });
}

function featuresOf(
  plan: LookalikePlan,
  cuts: readonly (readonly number[])[],
  weights: Weights,
  examples: readonly Example[],
): LookalikeFeature[] {
  let start = 0;
  const spread = cuts.map((_, index) => {
    const values = examples.map(({ places }) => weights.parts[places[index] ?? 0] ?? 0);
    const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
    return values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / values.length;
  });
  const total = spread.reduce((sum, one) => sum + one, 0);
  return cuts.map((ends, index) => {
    const parts = weights.parts.slice(start, start + ends.length + 2);
    start += ends.length + 2;
    return {
      feature: plan.features[index] ?? '',
      cuts: [...ends],
      weights: parts.slice(0, -1),
      missingWeight: parts.at(-1) ?? 0,
      importance: total === 0 ? 0 : (spread[index] ?? 0) / total,
    };
  });
}

/**
 * Fits what tells the seed from the others on a sample of both, and tries it on three tenths that were held out. The same
 * for the same facts. Throws SEED_TOO_SMALL.
 */
export async function fitLookalike(
  deps: Deps,
  row: ScannedScheme,
  plan: LookalikePlan,
  { day, progress, signal }: Scan,
): Promise<LookalikeModel> {
  await progress('READING');
  const { text, parameters } = await measure(deps, row, { numbers: plan.features, rule: plan.seedRule, day });
  const measures = { text, parameters };
  const all = {
    seeds: await countWhere(deps, measures, 'taken = 1', signal),
    others: await countWhere(deps, measures, 'taken = 0', signal),
  };
  if (all.seeds < LEAST || all.others < LEAST) throw fail('SEED_TOO_SMALL');
  const columns = `[${plan.features.map((_, index) => `m${index}`).join(', ')}] AS raw, taken`;
  const sample = (taken: 0 | 1, most: number) =>
    sampleOf<Sampled>(deps, measures, { columns, where: `taken = ${taken}`, seed: 7, most, signal });
  const sampled = [...(await sample(1, SAMPLE.seed)), ...(await sample(0, SAMPLE.others))];
  await progress('FITTING');
  const cuts = plan.features.map((_, index) => cutsOf(sampled.map(({ raw }) => raw[index] ?? null)));
  const size = cuts.reduce((sum, ends) => sum + ends.length + 2, 0);
  const stands = {
    seeds: all.seeds / Math.min(all.seeds, SAMPLE.seed),
    others: all.others / Math.min(all.others, SAMPLE.others),
  };
  const examples = sampled.map(({ raw, taken }): Example => {
    const seed = Number(taken) === 1;
    return { places: placesOf(raw, cuts), seed, counts: seed ? stands.seeds : stands.others };
  });
  const held = examples.filter((_, index) => index % 10 < 3);
  const trained = await fitLogistic(
    examples.filter((_, index) => index % 10 >= 3),
    size,
    signal,
  );
  const tried = held.map(({ places, seed, counts }) => ({ score: evidence(trained, places), seed, counts }));
  const weights = await fitLogistic(examples, size, signal);
  return {
    features: featuresOf(plan, cuts, weights, examples),
    intercept: weights.intercept,
    auc: areaUnderCurve(tried),
    lift: liftOfTenth(tried),
    seedParties: BigInt(Math.min(all.seeds, SAMPLE.seed)),
    otherParties: BigInt(Math.min(all.others, SAMPLE.others)),
    asOf: dateMessage(day),
    cuts: cutsAt(tried),
  };
}

/** The score in SQL over the numbers `m0`, `m1`, …: 0 to 1. */
export function scoreSql(model: LookalikeModel): { score: string; parameters: Record<string, Parameter> } {
  const parameters: Record<string, Parameter> = { intercept: model.intercept };
  const parts = model.features.map(({ cuts, weights, missingWeight }, index) => {
    const bound = {
      [`cuts${index}`]: [...cuts],
      [`weights${index}`]: [...weights],
      [`missing${index}`]: missingWeight,
    };
    Object.assign(parameters, bound);
    const part = `1 + arrayCount(cut -> assumeNotNull(m${index}) > cut, {cuts${index}:Array(Float64)})`;
    return `if(isNull(m${index}), {missing${index}:Float64}, {weights${index}:Array(Float64)}[${part}])`;
  });
  return { score: `1 / (1 + exp(-({intercept:Float64} + ${parts.join(' + ')})))`, parameters };
}

/** How many parties a plan takes: so many, or so large a share of those who can be taken; one at least. */
async function countTaken(
  deps: Deps,
  { cut }: LookalikePlan,
  measures: Measures,
  signal: AbortSignal,
): Promise<number> {
  if (cut?.$case !== 'share') return Number(cut?.value ?? 1n);
  return Math.max(1, Math.round(cut.value * (await countWhere(deps, measures, 'eligible', signal))));
}

/** The score of the last of so many most similar ones, and the last of those with that score; none when they are fewer. */
async function lastTaken(
  deps: Deps,
  measures: Measures,
  top: number,
  signal: AbortSignal,
): Promise<{ similarity: number; party: string } | undefined> {
  const rank = (count: number) => count - top;
  const { count, at } = await numbersAt(deps, measures, {
    columns: ['similarity'],
    where: 'eligible',
    ranks: (parties) => [rank(parties)],
    signal,
  });
  const similarity = at[0]?.get(rank(count));
  if (similarity === undefined) return undefined;
  const bound = { text: measures.text, parameters: { ...measures.parameters, last_score: similarity } };
  const above = await countWhere(deps, bound, 'eligible AND similarity > {last_score:Float64}', signal);
  const where = 'eligible AND similarity = {last_score:Float64}';
  const party = await partyAt(deps, bound, { where, behind: top - above - 1, signal });
  return party === undefined ? undefined : { similarity, party };
}

/** The score of every party, and who is among the most similar ones. */
export async function findLookalike(
  deps: Deps,
  row: ScannedScheme,
  { plan, model }: { plan: LookalikePlan; model: LookalikeModel },
  { day, progress, signal }: Scan,
): Promise<Found> {
  const { text, parameters } = await measure(deps, row, { numbers: plan.features, rule: plan.seedRule, day });
  const { score, parameters: weights } = scoreSql(model);
  const scored = `SELECT *, ${score} AS similarity, ${plan.keepSeed ? '1' : 'taken = 0'} AS eligible FROM (${text})`;
  const bound: Record<string, Parameter> = { ...parameters, ...weights };
  await progress('ASSIGNING');
  let similar = 'similarity >= {threshold:Float64}';
  if (plan.cut?.$case === 'threshold') bound['threshold'] = plan.cut.value;
  else {
    const top = await countTaken(deps, plan, { text: scored, parameters: bound }, signal);
    const last = await lastTaken(deps, { text: scored, parameters: bound }, top, signal);
    // Fewer than asked for: all of them.
    bound['threshold'] = last?.similarity ?? -1;
    bound['last_party'] = last?.party ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    similar = '(similarity > {threshold:Float64} OR (similarity = {threshold:Float64} AND party <= {last_party:UUID}))';
  }
  return {
    text: scored,
    parameters: bound,
    group: `if(eligible AND ${similar}, 'similar', '')`,
    score: 'similarity',
    tolerance: 0.01,
  };
}
