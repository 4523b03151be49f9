import { type Bands, chooseBands } from './bands.js';
import { type Clusters, cluster, type WeighedPairs } from './clusters.js';
import { comparerOf } from './comparison.js';
import { type Field, fieldsWith } from './fields.js';
import { learn, mayBeRelatives, type Parameters, type Patterns } from './model.js';
import { column, WIDTH } from './population.js';
import { frequencies, scorer } from './scoring.js';
import { type Crew, openCrew, portions } from './threads.js';
import type { Done, Ground, Task } from './work.js';

/** Where a run stands; `done` of `total`, in pairs or iterations. */
export type Advance = (stage: 'sampling' | 'learning' | 'scoring' | 'clustering', done: number, total: number) => void;

/** What was learned about a population. */
export interface Learned {
  fields: readonly Field[];
  parameters: Parameters;
  iterations: number;
}

/** What became of a population. */
export interface Judgement extends Learned {
  bands: Bands;
  /** Pairs that were compared. */
  compared: number;
  /** Every pair of which a steward would want to hear, the surest first. */
  pairs: WeighedPairs;
  clusters: Clusters;
}

const RANDOM_PAIRS = 500_000;
const RANDOM_PORTION = 10_000;
/** So many pairs are enough to learn from. */
const SAMPLE_RECORDS = 600_000;
const SEED = 20_260_205;

function merged(results: readonly Done[]): Patterns {
  const all: Patterns = new Map();
  for (const { patterns = [] } of results) {
    for (const [code, count] of patterns) all.set(code, (all.get(code) ?? 0) + count);
  }
  return all;
}

/** How many pairs of the ground could be compared at all. */
export function possiblePairs({ population, across }: Ground): number {
  const sizes = new Map<number, number>();
  for (let record = 0; record < population.size; record += 1) {
    const dataset = population.columns[record * WIDTH + column.dataset] as number;
    sizes.set(dataset, (sizes.get(dataset) ?? 0) + 1);
  }
  const all = (population.size * (population.size - 1)) / 2;
  if (!across) return all;
  return all - [...sizes.values()].reduce((sum, size) => sum + (size * (size - 1)) / 2, 0);
}

/** Learns the parameters of a ground from random pairs and from a part of its candidates. */
export async function learnFrom(ground: Ground, crew: Crew, advance: Advance = () => undefined): Promise<Learned> {
  const fields = fieldsWith(ground.attributes);
  const pairs = Math.max(1, possiblePairs(ground));
  const cuts = portions(ground);
  const entries = ground.blocks.members.length;
  const every = Math.max(1, Math.floor(entries / SAMPLE_RECORDS));
  const chosen = cuts.filter((_cut, at) => at % every === 0);
  const scale = cuts.length / Math.max(1, chosen.length);
  const wanted = Math.min(RANDOM_PAIRS, pairs * 2);
  const tasks: Task[] = Array.from({ length: Math.ceil(wanted / RANDOM_PORTION) }, (_none, at) => ({
    kind: 'random',
    pairs: Math.min(RANDOM_PORTION, wanted - at * RANDOM_PORTION),
    seed: SEED + at * 7919,
  }));
  const randoms = tasks.length;
  tasks.push(...chosen.map((cut): Task => ({ kind: 'patterns', ...cut })));
  let sampled = 0;
  const results = await crew.carryOut(tasks, () => advance('sampling', ++sampled, tasks.length));
  let iterations = 0;
  const parameters = learn(
    { fields, random: merged(results.slice(0, randoms)), candidates: merged(results.slice(randoms)), scale, pairs },
    (iteration) => {
      iterations = iteration;
      advance('learning', iteration, 0);
    },
  );
  return { fields, parameters, iterations };
}

/** What is kept of a run that may be cut off, so that it goes on where it was. */
export interface Checkpoint {
  /** What it had learned; undefined when it had not come so far. */
  learned: Pick<Learned, 'parameters' | 'iterations'> | undefined;
  keepLearned(learned: Learned): Promise<void>;
  /** The slices that its blocks are weighed in. */
  cuts: readonly { from: number; until: number }[];
  /** The pairs that a slice gave, by its place; undefined when it was not weighed yet. */
  weighed(at: number): { a: Int32Array; b: Int32Array; compared: number } | undefined;
  keepWeighed(at: number, done: Done): Promise<void>;
}

/**
 * Weighs every candidate of a ground; gives those at or above `least` bits, the surest first. Of slices that were weighed
 * before only the pairs that they gave are weighed, for their parties may have changed since.
 */
export async function weigh(
  ground: Ground,
  crew: Crew,
  parameters: Parameters,
  least: number,
  advance: Advance = () => undefined,
  checkpoint?: Checkpoint,
): Promise<{ pairs: WeighedPairs; compared: number }> {
  const cuts = checkpoint?.cuts ?? portions(ground);
  const known = cuts.map((_cut, at) => checkpoint?.weighed(at));
  const left = cuts.flatMap((_cut, at) => (known[at] ? [] : [at]));
  let done = cuts.length - left.length;
  const keeping: Promise<void>[] = [];
  const tasks = left.map((at): Task => ({ kind: 'score', ...(cuts[at] as (typeof cuts)[number]), parameters, least }));
  const results = await crew.carryOut(tasks, (one, at) => {
    if (checkpoint) keeping.push(checkpoint.keepWeighed(left[at] as number, one));
    // A failure is thrown where all are awaited; until then it must not count as unhandled.
    keeping.at(-1)?.catch(() => undefined);
    advance('scoring', ++done, cuts.length);
  });
  await Promise.all(keeping);
  const again: Done[] = [];
  if (left.length < cuts.length) {
    const comparer = comparerOf(ground.population, ground.attributes.length);
    const fields = fieldsWith(ground.attributes);
    const counted = frequencies(ground.population, ground.attributes.length);
    const { weight } = scorer({ fields, parameters }, comparer, counted);
    for (const one of known) if (one) again.push(weighAgain(weight, least, one));
  }
  const all = [...again, ...results];
  return { pairs: sorted(all), compared: all.reduce((sum, one) => sum + one.compared, 0) };
}

function weighAgain(
  weight: (a: number, b: number) => number,
  least: number,
  { a, b, compared }: { a: Int32Array; b: Int32Array; compared: number },
): Done {
  const bits = a.map((_one, at) => at).filter((at) => weight(a[at] as number, b[at] as number) >= least);
  return {
    a: bits.map((at) => a[at] as number),
    b: bits.map((at) => b[at] as number),
    weight: Float32Array.from(bits, (at) => weight(a[at] as number, b[at] as number)),
    compared,
  };
}

/** The surest first; of equal ones the earlier records first, so that a run gives the same again. */
function sorted(results: readonly Done[]): WeighedPairs {
  const count = results.reduce((sum, { weight }) => sum + (weight?.length ?? 0), 0);
  const a = new Int32Array(count);
  const b = new Int32Array(count);
  const weight = new Float32Array(count);
  let at = 0;
  for (const one of results) {
    a.set(one.a ?? [], at);
    b.set(one.b ?? [], at);
    weight.set(one.weight ?? [], at);
    at += one.weight?.length ?? 0;
  }
  const order = Uint32Array.from({ length: count }, (_none, index) => index).sort(
    (x, y) =>
      (weight[y] as number) - (weight[x] as number) ||
      (a[x] as number) - (a[y] as number) ||
      (b[x] as number) - (b[y] as number),
  );
  return {
    a: a.map((_one, index) => a[order[index] as number] as number),
    b: b.map((_one, index) => b[order[index] as number] as number),
    weight: weight.map((_one, index) => weight[order[index] as number] as number),
  };
}

/** Pairs below this many bits are not kept. */
const LEAST_KEPT = -3.2;

/**
 * Judges a whole population: learns, weighs every candidate, chooses the bands and connects what is sure, but never what
 * was `decided` to be different. Deterministic for the same records in the same order.
 */
export async function judge(
  ground: Ground,
  signal?: AbortSignal,
  advance: Advance = () => undefined,
  decided: (a: number, b: number) => boolean = () => false,
  checkpoint?: Checkpoint,
): Promise<Judgement> {
  const crew = openCrew(ground, signal);
  try {
    const before = checkpoint?.learned;
    const fields = fieldsWith(ground.attributes);
    const learned = before ? { fields, ...before } : await learnFrom(ground, crew, advance);
    if (!before) await checkpoint?.keepLearned(learned);
    const { pairs, compared } = await weigh(ground, crew, learned.parameters, LEAST_KEPT, advance, checkpoint);
    const bands = chooseBands(pairs.weight);
    advance('clustering', 0, pairs.weight.length);
    const comparer = comparerOf(ground.population, ground.attributes.length);
    const { score, levels } = scorer(learned, comparer, frequencies(ground.population, ground.attributes.length));
    const clusters = cluster(ground.population.size, pairs, bands.auto, {
      contradict: (a, b) => comparer.contradict(a, b) || decided(a, b),
      doubtful: (a, b) => {
        comparer.compare(a, b, levels);
        return mayBeRelatives(levels);
      },
      evidence: (a, b) => {
        const { weight, prior } = score(a, b);
        return weight - prior;
      },
    });
    return { ...learned, bands, compared, pairs, clusters };
  } finally {
    await crew.close();
  }
}
