import fc from 'fast-check';
import {
  type BaselineState,
  type DayResult,
  type MeasureUnit,
  noBaseline,
  observe,
  standardSettings,
} from './baseline.js';

function run(values: readonly number[], unit: MeasureUnit, from: BaselineState = noBaseline): DayResult[] {
  let state = from;
  return values.map((x, index) => {
    const result = observe(state, (from.observations + index) % 7, x, unit, standardSettings);
    state = result.state;
    return result;
  });
}
const turns = (results: readonly DayResult[]) =>
  results.flatMap(({ turn }, index) => (turn === 'none' ? [] : [`${index} ${turn}`]));
const unit = fc.constantFrom<MeasureUnit>('amount', 'count');
/** Noise between -1 and 1 that a seed determines. */
function noise(seed: number, count: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 2 - 1;
  });
}

describe('a baseline', () => {
  it('never departs from what is constant or only weekly', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 7, maxLength: 7 }),
        unit,
        fc.integer({ min: 5, max: 60 }),
        (week, of, weeks) => {
          const values = Array.from({ length: weeks * 7 }, (_none, index) => week[index % 7] as number);
          expect(turns(run(values, of))).toEqual([]);
        },
      ),
    );
  });

  it('does not mind the size of amounts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -100_000, max: 100_000 }), { minLength: 40, maxLength: 120 }),
        fc.integer({ min: -20, max: 20 }),
        (values, power) => {
          // Powers of two scale without rounding.
          const scaled = values.map((x) => x * 2 ** power);
          expect(turns(run(scaled, 'amount'))).toEqual(turns(run(values, 'amount')));
        },
      ),
    );
  });

  it('finds a step of eight deviations within three days, once, and says since when', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(-1, 1), fc.integer({ min: 60, max: 200 }), (seed, sign, before) => {
        // The deviation of noise spread evenly over ±100 is 100/√3.
        const series = noise(seed, before + 14).map((x, index) => 500 + 100 * x + (index < before ? 0 : sign * 800));
        const results = run(series, 'amount');
        const found = results.findIndex(({ turn }, index) => index >= before && turn === 'departed');
        expect(found - before).toBeGreaterThanOrEqual(0);
        expect(found - before).toBeLessThan(3);
        expect(results.slice(before).filter(({ turn }) => turn === 'departed')).toHaveLength(1);
        expect(results[found]?.state.departed).toBe(sign);
        expect(found - (results[found] as DayResult).state.run + 1).toBeGreaterThanOrEqual(before - 3);
        expect(Math.sign((results[found] as DayResult).deviations)).toBe(sign);
      }),
    );
  });

  it('raises no alarm before it is warm, nor for one odd day of money, and hardly ever for noise', () => {
    const quiet = noise(7, 20_000).map((x) => 500 + 100 * x);
    expect(turns(run(quiet, 'amount')).filter((turn) => turn.endsWith('departed')).length).toBeLessThanOrEqual(2);
    const odd = [...quiet.slice(0, 100), 1e9, ...quiet.slice(101, 200)];
    expect(turns(run(odd, 'amount'))).toEqual([]);
    const early = [...Array.from({ length: 27 }, (_none, index) => (index % 7) * 3), 1e9];
    expect(turns(run(early, 'count'))).toEqual([]);
  });

  it('takes a new normal as normal, and departs from that again', () => {
    const series = [...noise(3, 100).map((x) => 100 + 10 * x), ...noise(4, 200).map((x) => 1000 + 10 * x)];
    const results = run([...series, ...noise(5, 30).map((x) => 100 + 10 * x)], 'amount');
    const words = turns(results).map((turn) => turn.split(' ')[1]);
    expect(words.slice(0, 3)).toEqual(['departed', 'returned', 'departed']);
    expect(results[299]?.state.departed).toBe(0);
    expect(results[299]?.expected).toBeGreaterThan(900);
  });

  it('hears of a topic that was never read before on the first day of much reading, or the third of little', () => {
    const never = Array.from({ length: 40 }, () => 0);
    expect(turns(run([...never, 7], 'count'))).toEqual(['40 departed']);
    expect(turns(run([...never, 3, 3, 3], 'count'))).toEqual(['42 departed']);
    expect(turns(run([...never, 1, 0, 1, 0, 1], 'count'))).toEqual([]);
  });

  it('costs the same on the thousandth day as on the hundredth', () => {
    const state = (days: number) => run(noise(1, days), 'amount').at(-1)?.state as BaselineState;
    expect(JSON.stringify(state(5000)).length).toBeLessThan(JSON.stringify(state(100)).length * 1.2);
  });
});
