/**
 * What is usual for one customer in one measure, day by day, and when it is so no more.
 *
 * The expectation of a day is a level plus the season of its day of the week, both smoothed exponentially in the
 * error-correction form of Holt–Winters without a trend (Hyndman et al., Forecasting with Exponential Smoothing, 2008,
 * ETS(A,N,A)):
 *
 *     r = x − (level + season[d]),   level += α·r,   season[d] += γ·r,   variance = (1 − α)·variance + α·r²
 *
 * Departures are found by an exponentially weighted moving average control chart of the standardised residuals (Roberts,
 * Control Chart Tests Based on Geometric Moving Averages, Technometrics 1, 1959):
 *
 *     e = r / σ,   chart = λ·e + (1 − λ)·chart,   departed when |chart| > L·√(λ / (2 − λ))
 *
 * Residuals are cut at `cap` deviations, so that one odd day neither raises an alarm about money nor spoils the baseline;
 * a new normal still becomes the baseline, because the variance grows with it. A departure is over when the chart is
 * back within half of the limit; until then it is not raised again.
 */

/** How baselines are kept. */
export interface BaselineSettings {
  /** Days before the first alarm, at least 14. */
  warmUpDays: number;
  /** How long the memory is: α = 2 / (days + 1), as of a moving average over so many days. */
  memoryDays: number;
  /** L: how many deviations of the chart count as a departure. */
  limit: number;
}

/** What a bank starts with. */
export const standardSettings: BaselineSettings = { warmUpDays: 28, memoryDays: 41, limit: 4 };

/** λ of the chart: a step of five deviations is found on the second day, one of three on the third. */
const LAMBDA = 0.3;
/** γ: a season follows within about five weeks. */
const GAMMA = 0.2;
/** How much of its own size an amount may differ without meaning anything. */
const LEAST_SHARE = 0.05;

/** An amount is compared with its own size; a count has at least the deviation of a Poisson count (√mean, and 1). */
export type MeasureUnit = 'amount' | 'count';

/** After how many deviations a residual is cut. One day of many more page views than ever says something by itself. */
const caps: Record<MeasureUnit, number> = { amount: 5, count: 8 };

/** Everything that the next day needs. */
export interface BaselineState {
  /** Days so far. In the first week the season holds the days themselves. */
  observations: number;
  level: number;
  /** By day of the week, Monday first. */
  season: readonly number[];
  variance: number;
  /** The smoothed size of the values. */
  scale: number;
  chart: number;
  /** Days since the chart left the middle, counted from the last day; 0 while it is there. */
  run: number;
  departed: -1 | 0 | 1;
}

/** Before the first day. */
export const noBaseline: BaselineState = {
  observations: 0,
  level: 0,
  season: [0, 0, 0, 0, 0, 0, 0],
  variance: 0,
  scale: 0,
  chart: 0,
  run: 0,
  departed: 0,
};

/** What a day came to. */
export interface DayResult {
  state: BaselineState;
  expected: number;
  /** How far the day is off, in deviations, at most 1000 either way. */
  deviations: number;
  /** What the day changed: a departure began, was over, or neither. */
  turn: 'departed' | 'returned' | 'none';
}

const WEEK = 7;
const MOST_DEVIATIONS = 1000;

/** The standard deviation that a day is measured with. */
export function deviationOf(state: BaselineState, unit: MeasureUnit): number {
  const least = unit === 'count' ? Math.max(1, Math.sqrt(state.scale)) : LEAST_SHARE * state.scale;
  return Math.max(Math.sqrt(state.variance), least);
}

function clamp(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value));
}

/** r / σ. Where nothing ever varied and nothing was there, anything is infinitely far. */
function standardised(residual: number, sigma: number): number {
  if (residual === 0) return 0;
  return sigma === 0 ? Math.sign(residual) * MOST_DEVIATIONS : clamp(residual / sigma, MOST_DEVIATIONS);
}

/** Takes one more day, `day` of the week from 0 (Monday) to 6, with the value `x`. Costs the same at any age. */
export function observe(
  state: BaselineState,
  day: number,
  x: number,
  unit: MeasureUnit,
  settings: BaselineSettings,
): DayResult {
  const observations = state.observations + 1;
  const season = [...state.season];
  if (state.observations < WEEK) {
    season[day] = x;
    const level = observations < WEEK ? 0 : season.reduce((sum, value) => sum + value, 0) / WEEK;
    const scale = state.scale + (Math.abs(x) - state.scale) / observations;
    const first = observations < WEEK ? season : season.map((value) => value - level);
    const next = { ...state, observations, season: first, level, scale };
    return { state: next, expected: x, deviations: 0, turn: 'none' };
  }
  const expected = state.level + (season[day] ?? 0);
  const sigma = deviationOf(state, unit);
  // What is left of sums of floating point numbers is no residual.
  const raw = Math.abs(x - expected) <= 1e-9 * Math.max(state.scale, Math.abs(x)) ? 0 : x - expected;
  const deviations = standardised(raw, sigma);
  const warm = state.observations >= settings.warmUpDays;
  const residual = warm && sigma > 0 ? clamp(deviations, caps[unit]) * sigma : raw;
  const alpha = 2 / (settings.memoryDays + 1);
  const gain = Math.max(alpha, 1 / (observations - WEEK));
  season[day] = (season[day] ?? 0) + GAMMA * residual;
  const chart = warm ? LAMBDA * clamp(deviations, caps[unit]) + (1 - LAMBDA) * state.chart : 0;
  const limit = settings.limit * Math.sqrt(LAMBDA / (2 - LAMBDA));
  const near = Math.abs(chart) < limit / 2;
  const turned = Math.sign(chart) !== Math.sign(state.chart);
  const run = near ? 0 : turned ? 1 : state.run + 1;
  let turn: DayResult['turn'] = 'none';
  let departed = state.departed;
  if (departed === 0 && Math.abs(chart) > limit) {
    turn = 'departed';
    departed = chart > 0 ? 1 : -1;
  } else if (departed !== 0 && chart * departed < limit / 2) {
    turn = 'returned';
    departed = 0;
  }
  const next: BaselineState = {
    observations,
    level: state.level + alpha * residual,
    season,
    variance: (1 - gain) * state.variance + gain * residual * residual,
    scale: state.scale + gain * (Math.abs(x) - state.scale),
    chart,
    run,
    departed,
  };
  return { state: next, expected, deviations, turn };
}
