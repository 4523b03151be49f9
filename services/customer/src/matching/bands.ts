/** Pairs at or above `auto` are one party, those at or above `review` are for a steward, the others are not. In bits. */
export interface Bands {
  auto: number;
  review: number;
}

/** Of the pairs that merge by themselves, at most this share is expected to be wrong. */
const WRONG = 0.01;
/** No single pair that merges by itself may be less sure than this, however good the others are. */
const LEAST_SURE = 0.8;
/** What is less sure than this is not worth a steward's time. */
const WORTH_A_LOOK = 0.1;

const bits = (probability: number): number => Math.log2(probability / (1 - probability));

/** The chance that goes with a weight in bits. */
export function chanceOf(weight: number): number {
  return 1 / (1 + 2 ** -weight);
}

/**
 * Chooses the bands from the model alone: the expected number of wrong pairs above a weight is the sum of what is missing
 * to 1 in their chances. `auto` is the lowest weight from which on at most 1 % of the pairs is expected to be wrong, and
 * at which a pair is at least 80 % sure; `review` begins at 10 %. `weights` in any order.
 */
export function chooseBands(weights: ArrayLike<number>): Bands {
  const lowest = bits(LEAST_SURE);
  const above = Float64Array.from(weights as ArrayLike<number>)
    .filter((weight) => weight >= lowest)
    .sort()
    .reverse();
  let wrong = 0;
  let auto = Number.POSITIVE_INFINITY;
  // Walks down from the surest pair; pairs of the same weight are in or out together.
  above.forEach((weight, index) => {
    wrong += 1 - chanceOf(weight);
    if (weight !== above[index + 1] && wrong <= WRONG * (index + 1)) auto = weight;
  });
  // Where all that is sure enough may merge, the band does not depend on which pair happened to be the last.
  return { auto: wrong <= WRONG * above.length ? lowest : auto, review: bits(WORTH_A_LOOK) };
}
