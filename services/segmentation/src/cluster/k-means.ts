import { setImmediate as breathe } from 'node:timers/promises';

/** A point, or the middle of many. */
export type Point = readonly number[];

/** Numbers from 0 to 1 that look random and are the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function squared(a: Point, b: Point): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += ((a[index] ?? 0) - (b[index] ?? 0)) ** 2;
  return sum;
}

/** The place of the centre nearest to a point, and the square of how far it is; the first of several. */
export function nearest(point: Point, centres: readonly Point[]): { index: number; distance: number } {
  let best = { index: 0, distance: Number.POSITIVE_INFINITY };
  for (const [index, centre] of centres.entries()) {
    const distance = squared(point, centre);
    if (distance < best.distance) best = { index, distance };
  }
  return best;
}

/** First centres far from each other: each next one by chance, in proportion to the square of its distance (k-means++). */
function firstCentres(points: readonly Point[], k: number, random: () => number): Point[] {
  const centres = [points[Math.floor(random() * points.length)] ?? []];
  const distances = points.map((point) => squared(point, centres[0] ?? []));
  while (centres.length < k) {
    let rest = random() * distances.reduce((sum, one) => sum + one, 0);
    const found = distances.findIndex((one) => (rest -= one) < 0);
    const centre = points[found < 0 ? points.length - 1 : found] ?? [];
    centres.push(centre);
    points.forEach((point, index) => {
      distances[index] = Math.min(distances[index] ?? 0, squared(point, centre));
    });
  }
  return centres;
}

/** One centre more than before: the point that is farthest from all of them. */
function oneMore(points: readonly Point[], before: readonly Point[]): Point[] {
  let farthest: { point: Point; distance: number } = { point: points[0] ?? [], distance: -1 };
  for (const point of points) {
    const { distance } = nearest(point, before);
    if (distance > farthest.distance) farthest = { point, distance };
  }
  return [...before, farthest.point];
}

/**
 * Lloyd's k-means from the best of `tries` beginnings, and of one more that goes on from `before`, the centres of one
 * cluster less: so a further cluster never explains less. Gives the middles, at most `k`, and the sum of squared distances.
 * Rests between rounds, so that others get their turn: a round over 20,000 points is some milliseconds.
 */
export async function kMeans(
  points: readonly Point[],
  k: number,
  {
    random,
    tries = 4,
    before,
    signal,
  }: { random: () => number; tries?: number; before?: readonly Point[]; signal?: AbortSignal },
): Promise<{ centres: Point[]; inertia: number }> {
  let best: { centres: Point[]; inertia: number } = { centres: [], inertia: Number.POSITIVE_INFINITY };
  for (let turn = 0; turn < tries + (before ? 1 : 0); turn += 1) {
    let centres = before && turn === tries ? oneMore(points, before) : firstCentres(points, k, random);
    let inertia = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 60; round += 1) {
      await breathe(undefined, signal ? { signal } : {});
      const sums = centres.map((centre) => ({ count: 0, sum: centre.map(() => 0) }));
      let now = 0;
      for (const point of points) {
        const { index, distance } = nearest(point, centres);
        now += distance;
        const into = sums[index];
        if (!into) continue;
        into.count += 1;
        for (let axis = 0; axis < point.length; axis += 1) into.sum[axis] = (into.sum[axis] ?? 0) + (point[axis] ?? 0);
      }
      centres = centres.map((centre, index) => {
        const { count = 0, sum = [] } = sums[index] ?? {};
        return count === 0 ? centre : sum.map((one) => one / count);
      });
      if (inertia - now < 1e-6 * now || now === 0) break;
      inertia = now;
    }
    const total = points.reduce((sum, point) => sum + nearest(point, centres).distance, 0);
    if (total < best.inertia) best = { centres, inertia: total };
  }
  // Where there are fewer different points than clusters, some centres are the same.
  const different = best.centres.filter((centre, index) => nearest(centre, best.centres).index === index);
  return { centres: different, inertia: best.inertia };
}

/**
 * How much nearer points are to their own cluster than to the next, the mean over the points: -1 to 1 (Rousseeuw 1987, with
 * distances to all points of each cluster). Quadratic: for some hundred points.
 */
export async function silhouette(points: readonly Point[], centres: readonly Point[]): Promise<number> {
  const of = points.map((point) => nearest(point, centres).index);
  let total = 0;
  for (const [index, point] of points.entries()) {
    if (index % 50 === 0) await breathe();
    const sums = centres.map(() => ({ count: 0, sum: 0 }));
    for (const [other, another] of points.entries()) {
      const into = sums[of[other] ?? 0];
      if (other === index || !into) continue;
      into.count += 1;
      into.sum += Math.sqrt(squared(point, another));
    }
    const own = of[index] ?? 0;
    const { count = 0, sum = 0 } = sums[own] ?? {};
    const others = sums.filter((one, at) => at !== own && one.count > 0).map((one) => one.sum / one.count);
    if (count === 0 || others.length === 0) continue; // alone in its cluster: 0
    const within = sum / count;
    const next = Math.min(...others);
    total += Math.max(within, next) === 0 ? 0 : (next - within) / Math.max(within, next);
  }
  return points.length === 0 ? 0 : total / points.length;
}

/**
 * Which old cluster each new one is, so that as many members as possible keep their cluster; undefined for one that is
 * none. `shared[new][old]` counts who is in both. Exact, over all sets of old ones: for up to 12.
 */
export function matchClusters(shared: readonly (readonly number[])[]): (number | undefined)[] {
  const olds = shared[0]?.length ?? 0;
  const known = new Map<string, { kept: number; choice: (number | undefined)[] }>();
  function best(from: number, taken: number): { kept: number; choice: (number | undefined)[] } {
    if (from === shared.length) return { kept: 0, choice: [] };
    const key = `${from} ${taken}`;
    const found = known.get(key);
    if (found) return found;
    const skipped = best(from + 1, taken);
    let result = { kept: skipped.kept, choice: [undefined as number | undefined, ...skipped.choice] };
    for (let old = 0; old < olds; old += 1) {
      const both = shared[from]?.[old] ?? 0;
      if (taken & (1 << old) || both === 0) continue;
      const rest = best(from + 1, taken | (1 << old));
      if (both + rest.kept > result.kept) result = { kept: both + rest.kept, choice: [old, ...rest.choice] };
    }
    known.set(key, result);
    return result;
  }
  return best(0, 0).choice;
}
