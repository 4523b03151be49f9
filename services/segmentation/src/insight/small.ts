/** Fewer people than this are not told of to whoever may not see them. */
export const SMALLEST = 5;

/** How many parties of a rule and of all are alike. */
export interface Numbers {
  count: number;
  population: number;
}

/** Whether a number tells of too few: nobody at all tells of no person. */
export const isSmall = (number: number): boolean => number > 0 && number < SMALLEST;

/** Whether the numbers tell of too few who are in, or of too few who are not. */
export function tellsOfFew({ count, population }: Numbers): boolean {
  return isSmall(count) || isSmall(population) || isSmall(population - count);
}

/**
 * Which cells of a distribution are to be hidden from whoever may not see the parties: those that tell of few, and as
 * many further ones, the smallest first, as it takes that the hidden ones together do not tell of few either, since
 * their sum is what the totals leave. Pure.
 */
export function hiddenCells(cells: readonly Numbers[]): boolean[] {
  const hidden = cells.map(tellsOfFew);
  const left = cells
    .map(({ population }, index) => ({ population, index }))
    .filter(({ population, index }) => population > 0 && !hidden[index])
    .sort((a, b) => a.population - b.population || a.index - b.index);
  const exposed = (): boolean => {
    const out = cells.filter((_, index) => hidden[index]);
    const sum = {
      count: out.reduce((total, { count }) => total + count, 0),
      population: out.reduce((total, { population }) => total + population, 0),
    };
    return out.length === 1 || tellsOfFew(sum);
  };
  while (hidden.includes(true) && exposed()) {
    const next = left.shift();
    if (!next) break;
    hidden[next.index] = true;
  }
  return hidden;
}
