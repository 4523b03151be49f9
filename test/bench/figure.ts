/**
 * One line of the answer. `goal` is what `ratio` should reach, with `bound: 'most'` what it may be; where there is no
 * baseline, and with `bound: 'value'`, what `value` may be.
 */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** The same measure of the bare baseline in the same run; null where there is none. */
  baseline: number | null;
  /** `value / baseline`, the median over the rounds. */
  ratio: number | null;
  /** null where nothing is promised. */
  goal: number | null;
  bound?: 'most' | 'value';
}

/** Tells the person who waits what is going on. */
export type Say = (line: string) => void;

/** The middle of the numbers; of an even count the upper of both. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The value that 99 of 100 numbers do not exceed. */
export function p99(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * 0.99) - 1)] ?? Number.NaN;
}

/** Rounds to so many digits behind the point. */
export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** One round: how much the service and the bare baseline got done, in the same unit. */
export interface Round {
  service: number;
  bare: number;
}

/** The figure of interleaved rounds. The ratio is the median of the ratios, so that a slow moment of the machine counts once. */
export function compared(name: string, unit: string, goal: number, rounds: readonly Round[], digits = 0): Figure {
  return {
    name,
    value: rounded(median(rounds.map((round) => round.service)), digits),
    unit,
    baseline: rounded(median(rounds.map((round) => round.bare)), digits),
    ratio: rounded(median(rounds.map((round) => round.service / round.bare)), 3),
    goal,
  };
}

/** Whether a figure keeps what is promised; undefined where nothing is. */
export function reached({ value, ratio, goal, bound }: Figure): boolean | undefined {
  if (goal === null) return undefined;
  if (ratio === null || bound === 'value') return value <= goal;
  return bound === 'most' ? ratio <= goal : ratio >= goal;
}
