import * as fc from 'fast-check';
import { type ChainRow, orderByBalance } from './chain.js';

const signed = fc.bigInt({ min: -5_000_00n, max: 5_000_00n }).filter((amount) => amount !== 0n);

function day(before: bigint, amounts: readonly bigint[]): ChainRow[] {
  let balance = before;
  return amounts.map((signedMinor) => {
    balance += signedMinor;
    return { signedMinor, balanceAfterMinor: balance };
  });
}

describe('orderByBalance', () => {
  it('finds a chain for every permutation of a day', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 100_000_00n }),
        fc.array(signed, { minLength: 1, maxLength: 7 }).chain((amounts) =>
          fc.tuple(
            fc.constant(amounts),
            fc.shuffledSubarray(
              amounts.map((_, index) => index),
              { minLength: amounts.length },
            ),
          ),
        ),
        (before, [amounts, places]) => {
          const rows = day(before, amounts);
          const ordered = orderByBalance(
            places.map((place) => rows[place] as ChainRow),
            before,
          );
          expect(ordered.chained).toBe(true);
          let balance = before;
          for (const row of ordered.rows) {
            const gap = balance + row.signedMinor - row.balanceAfterMinor;
            expect(gap >= -11n && gap <= 11n).toBe(true);
            balance = row.balanceAfterMinor;
          }
        },
      ),
    );
  });

  it('keeps the order of the file when no chain exists', () => {
    const rows = [
      { signedMinor: 100n, balanceAfterMinor: 5_000n },
      { signedMinor: 200n, balanceAfterMinor: 9_000n },
    ];
    expect(orderByBalance(rows, 0n)).toEqual({ rows, chained: false });
  });

  it('opens an account with the row whose balance is its own amount', () => {
    const opening = { signedMinor: 700_00n, balanceAfterMinor: 700_00n };
    const second = { signedMinor: 50_00n, balanceAfterMinor: 750_00n };
    expect(orderByBalance([second, opening], undefined)).toEqual({ rows: [opening, second], chained: true });
  });

  it('bears the rounding of a tenth', () => {
    const rows = [{ signedMinor: 10_04n, balanceAfterMinor: 110_10n }];
    expect(orderByBalance(rows, 100_00n).chained).toBe(true);
    expect(orderByBalance([{ signedMinor: 10_04n, balanceAfterMinor: 110_20n }], 100_00n).chained).toBe(false);
  });

  it('gives up on a day made to be slow', () => {
    const rows = Array.from({ length: 40 }, () => ({ signedMinor: 0n, balanceAfterMinor: 100n }));
    const hostile = [...rows, { signedMinor: 1n, balanceAfterMinor: 500_00n }];
    expect(orderByBalance(hostile, 100n).chained).toBe(false);
  });
});
