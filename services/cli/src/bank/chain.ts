/** A row of one account and one day, as far as its order matters: minor units, signed by direction. */
export interface ChainRow {
  readonly signedMinor: bigint;
  readonly balanceAfterMinor: bigint;
}

/** Sources round balances to a tenth of the currency unit, so each step may be off by eleven minor units. */
const TOLERANCE_MINOR = 11n;

/** Beyond this many tries the day is left in file order: a day has seldom more than a dozen rows. */
const MAXIMUM_STEPS = 20_000;

/**
 * Puts the rows of one account and day into the order in which each balance follows from the one before.
 *
 * Files give days, not times, and the order in the file within a day is not the order of booking. Takes the balance
 * before the day (undefined when nothing is known: then a row whose balance is its own amount may open the account,
 * else any row may be first). Gives the rows in order, and whether a chain was found; without one the order of the
 * file stands. Deterministic: of several chains the one nearest to the order of the file wins.
 */
export function orderByBalance<Row extends ChainRow>(
  rows: readonly Row[],
  before: bigint | undefined,
): { rows: Row[]; chained: boolean } {
  if (rows.length === 1 && before === undefined) return { rows: [...rows], chained: true };
  let steps = 0;
  const used = new Array<boolean>(rows.length).fill(false);
  const order: Row[] = [];

  const follows = (balance: bigint | undefined, row: Row): boolean => {
    if (balance === undefined) return true;
    const gap = balance + row.signedMinor - row.balanceAfterMinor;
    return gap <= TOLERANCE_MINOR && gap >= -TOLERANCE_MINOR;
  };

  const extend = (balance: bigint | undefined): boolean => {
    if (order.length === rows.length) return true;
    for (let index = 0; index < rows.length; index += 1) {
      const row = rows[index] as Row;
      if (used[index] || !follows(balance, row)) continue;
      steps += 1;
      if (steps > MAXIMUM_STEPS) return false;
      used[index] = true;
      order.push(row);
      if (extend(row.balanceAfterMinor)) return true;
      order.pop();
      used[index] = false;
    }
    return false;
  };

  const found = before === undefined ? extend(0n) || extend(undefined) : extend(before);
  return found ? { rows: order, chained: true } : { rows: [...rows], chained: false };
}
