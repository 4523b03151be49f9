/** One line of the answer. `goal` is what `ratio` should reach, or, where there is no baseline, what `value` may be. */
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
}

/** Tells the person who waits what is going on. */
export type Say = (line: string) => void;

/** The middle of the numbers; of an even count the upper of both. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
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
export function compared(name: string, unit: string, goal: number, rounds: readonly Round[]): Figure {
  return {
    name,
    value: rounded(median(rounds.map((round) => round.service)), 0),
    unit,
    baseline: rounded(median(rounds.map((round) => round.bare)), 0),
    ratio: rounded(median(rounds.map((round) => round.service / round.bare)), 3),
    goal,
  };
}

/** Whether a figure keeps what is promised; undefined where nothing is. */
export function reached({ value, ratio, goal }: Figure): boolean | undefined {
  if (goal === null) return undefined;
  return ratio === null ? value <= goal : ratio >= goal;
}
