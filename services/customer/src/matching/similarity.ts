// The hottest loops of the service: a global looked up for every unit costs more than the comparison.
const { max, min, abs } = Math;
/**
 * Texts of a population, one behind the other as UTF-16 code units, so that worker threads read the same memory. Text
 * `id` stands from `offsets[id]` to `offsets[id + 1]`; text 0 is empty and means that nothing is known.
 */
export interface Texts {
  units: Uint16Array;
  offsets: Uint32Array;
  /** Which letters occur in a text, one bit for each of 32 groups: tells most unlike texts apart at once. */
  letters: Int32Array;
}

/** Longer texts are compared by their first 31 units: the masks below are 32 bits wide. */
const WIDTH = 31;

/**
 * Jaro–Winkler similarity of two texts of the pool, 0 to 1 (Winkler 1990: prefix of at most four units, scale 0.1).
 * Matched places are bits of one number each, so nothing is allocated.
 */
export function jaroWinkler({ units, offsets }: Texts, a: number, b: number): number {
  const startA = offsets[a] as number;
  const startB = offsets[b] as number;
  const lengthA = min((offsets[a + 1] as number) - startA, WIDTH);
  const lengthB = min((offsets[b + 1] as number) - startB, WIDTH);
  if (lengthA === 0 || lengthB === 0) return 0;
  const reach = max(0, (max(lengthA, lengthB) >> 1) - 1);
  let matchedA = 0;
  let matchedB = 0;
  let matches = 0;
  for (let i = 0; i < lengthA; i += 1) {
    const unit = units[startA + i];
    const end = min(lengthB, i + reach + 1);
    for (let j = max(0, i - reach); j < end; j += 1) {
      if ((matchedB & (1 << j)) === 0 && units[startB + j] === unit) {
        matchedA |= 1 << i;
        matchedB |= 1 << j;
        matches += 1;
        break;
      }
    }
  }
  if (matches === 0) return 0;
  let transposed = 0;
  for (let i = 0, j = 0; i < lengthA; i += 1) {
    if ((matchedA & (1 << i)) === 0) continue;
    while ((matchedB & (1 << j)) === 0) j += 1;
    if (units[startA + i] !== units[startB + j]) transposed += 1;
    j += 1;
  }
  const jaro = (matches / lengthA + matches / lengthB + (matches - transposed / 2) / matches) / 3;
  let prefix = 0;
  const most = min(4, lengthA, lengthB);
  while (prefix < most && units[startA + prefix] === units[startB + prefix]) prefix += 1;
  return jaro + prefix * 0.1 * (1 - jaro);
}

const row = Array.from({ length: 3 }, () => new Int32Array(256));

/**
 * Damerau–Levenshtein distance (optimal string alignment: insert, delete, replace, swap of neighbours) of two texts of
 * the pool; gives `limit + 1` as soon as it is known to exceed `limit`. Texts beyond 255 units are cut.
 */
export function editDistance({ units, offsets }: Texts, a: number, b: number, limit: number): number {
  const startA = offsets[a] as number;
  const startB = offsets[b] as number;
  const lengthA = min((offsets[a + 1] as number) - startA, 255);
  const lengthB = min((offsets[b + 1] as number) - startB, 255);
  if (abs(lengthA - lengthB) > limit) return limit + 1;
  let [before, above, here] = row as [Int32Array, Int32Array, Int32Array];
  for (let j = 0; j <= lengthB; j += 1) above[j] = j;
  for (let i = 1; i <= lengthA; i += 1) {
    here[0] = i;
    let least = i;
    const unit = units[startA + i - 1];
    for (let j = 1; j <= lengthB; j += 1) {
      const other = units[startB + j - 1];
      let cost = (above[j - 1] as number) + (unit === other ? 0 : 1);
      cost = min(cost, (above[j] as number) + 1, (here[j - 1] as number) + 1);
      if (i > 1 && j > 1 && unit === units[startB + j - 2] && units[startA + i - 2] === other) {
        cost = min(cost, (before[j - 2] as number) + 1);
      }
      here[j] = cost;
      if (cost < least) least = cost;
    }
    if (least > limit) return limit + 1;
    [before, above, here] = [above, here, before];
  }
  return min(above[lengthB] as number, limit + 1);
}

/** Whether one text begins with the other; both must be there. */
export function beginsWith({ units, offsets }: Texts, a: number, b: number): boolean {
  const startA = offsets[a] as number;
  const startB = offsets[b] as number;
  const most = min((offsets[a + 1] as number) - startA, (offsets[b + 1] as number) - startB);
  for (let at = 0; at < most; at += 1) if (units[startA + at] !== units[startB + at]) return false;
  return most > 0;
}

/** How many units a text has. */
export function lengthOf({ offsets }: Texts, id: number): number {
  return (offsets[id + 1] as number) - (offsets[id] as number);
}
