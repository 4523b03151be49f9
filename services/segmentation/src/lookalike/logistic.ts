import { setImmediate as breathe } from 'node:timers/promises';
import type { LookalikeCut } from '@rapport/proto/segmentation/v1';

/** A party as the places of the parts that its numbers fall into, one for each feature, among the weights of all. */
export interface Example {
  places: readonly number[];
  /** Whether it is of the seed. */
  seed: boolean;
  /** How many parties it stands for. */
  counts: number;
}

/** The weights of all parts, and the one before any is looked at. */
export interface Weights {
  intercept: number;
  parts: number[];
}

/** The sum of weights that speaks for the seed. */
export function evidence({ intercept, parts }: Weights, places: readonly number[]): number {
  return places.reduce((sum, place) => sum + (parts[place] ?? 0), intercept);
}

/**
 * Logistic regression over parts by Adam (Kingma and Ba 2015) with a small penalty on weights; seed and others count the
 * same altogether, so that a score of 0.5 is as much like the one as like the other. The same for the same examples.
 */
export async function fitLogistic(examples: readonly Example[], size: number, signal?: AbortSignal): Promise<Weights> {
  const weights: Weights = { intercept: 0, parts: new Array<number>(size).fill(0) };
  const seeds = examples.filter(({ seed }) => seed).length;
  const share = (seed: boolean) => 0.5 / Math.max(1, seed ? seeds : examples.length - seeds);
  const first = new Float64Array(size + 1);
  const second = new Float64Array(size + 1);
  for (let round = 1; round <= 250; round += 1) {
    await breathe(undefined, signal ? { signal } : {});
    const gradient = new Float64Array(size + 1);
    for (const { places, seed } of examples) {
      const error = (1 / (1 + Math.exp(-evidence(weights, places))) - (seed ? 1 : 0)) * share(seed);
      gradient[size] = (gradient[size] ?? 0) + error;
      for (const place of places) gradient[place] = (gradient[place] ?? 0) + error;
    }
    for (let index = 0; index <= size; index += 1) {
      const value = index === size ? 0 : (weights.parts[index] ?? 0);
      const slope = (gradient[index] ?? 0) + 1e-3 * value;
      first[index] = 0.9 * (first[index] ?? 0) + 0.1 * slope;
      second[index] = 0.999 * (second[index] ?? 0) + 0.001 * slope * slope;
      const step =
        (0.05 * ((first[index] ?? 0) / (1 - 0.9 ** round))) /
        (Math.sqrt((second[index] ?? 0) / (1 - 0.999 ** round)) + 1e-8);
      if (index === size) weights.intercept -= step;
      else weights.parts[index] = value - step;
    }
  }
  return weights;
}

/** The chance that one of the seed scores above one of the others, equal scores counting half (Mann and Whitney). */
export function areaUnderCurve(scored: readonly { score: number; seed: boolean }[]): number {
  const sorted = [...scored].sort((a, b) => a.score - b.score);
  const seeds = sorted.filter(({ seed }) => seed).length;
  const others = sorted.length - seeds;
  if (seeds === 0 || others === 0) return 0.5;
  let ranks = 0;
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (end < sorted.length && sorted[end]?.score === sorted[start]?.score) end += 1;
    const mean = (start + 1 + end) / 2;
    for (let index = start; index < end; index += 1) if (sorted[index]?.seed) ranks += mean;
    start = end;
  }
  return (ranks - (seeds * (seeds + 1)) / 2) / (seeds * others);
}

/** The shares of all parties for which it is told what to expect of them. */
const SHARES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5] as const;

interface Scored {
  /** The evidence: any number, the higher the more like the seed. */
  score: number;
  seed: boolean;
  counts: number;
}

/** How much of the seed is among a share of all with the highest scores. Of equal scores each has the same chance. */
function takenOf(scored: readonly Scored[], share: number): { found: number; last: number; target: number } {
  const sorted = [...scored].sort((a, b) => b.score - a.score);
  const target = share * sorted.reduce((sum, { counts }) => sum + counts, 0);
  let left = target;
  let found = 0;
  let last = sorted[0]?.score ?? 0;
  for (let start = 0; start < sorted.length && left > 0; ) {
    let [all, seeds, end] = [0, 0, start];
    for (; end < sorted.length && sorted[end]?.score === sorted[start]?.score; end += 1) {
      const { counts = 0, seed = false } = sorted[end] ?? {};
      all += counts;
      if (seed) seeds += counts;
    }
    last = sorted[start]?.score ?? last;
    const taken = Math.min(left, all);
    if (all > 0) found += (seeds * taken) / all;
    left -= taken;
    start = end;
  }
  return { found, last, target };
}

/** What to expect of taking so many of the most similar, on parties that were held out: by rising share. */
export function cutsAt(scored: readonly Scored[]): LookalikeCut[] {
  const seeds = scored.reduce((sum, { counts, seed }) => sum + (seed ? counts : 0), 0);
  return SHARES.map((share) => {
    const { found, last, target } = takenOf(scored, share);
    const score = 1 / (1 + Math.exp(-last));
    return { share, score, precision: target === 0 ? 0 : found / target, recall: seeds === 0 ? 0 : found / seeds };
  });
}

/** How many times more of the seed is among the tenth with the highest scores than among all. */
export function liftOfTenth(scored: readonly Scored[]): number {
  return (cutsAt(scored).find(({ share }) => share === 0.1)?.recall ?? 0) / 0.1;
}
