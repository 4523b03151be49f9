import { type Blocks, eachPair } from './blocks.js';
import { comparerOf } from './comparison.js';
import { fieldsWith } from './fields.js';
import { codeOf, type Parameters } from './model.js';
import { column, type Population, WIDTH } from './population.js';
import { type Frequency, frequencies, scorer } from './scoring.js';

/** What threads share to compare the pairs of a population. */
export interface Ground {
  population: Population;
  blocks: Blocks;
  /** Names of the further facts of the records. */
  attributes: readonly string[];
  /** Only pairs across datasets. */
  across: boolean;
}

/** A piece of work on some blocks. */
export type Task =
  | { kind: 'patterns'; from: number; until: number }
  | { kind: 'random'; pairs: number; seed: number }
  | { kind: 'score'; from: number; until: number; parameters: Parameters; least: number };

/** What a piece of work gave. */
export interface Done {
  /** How many pairs stand at which levels. */
  patterns?: [number, number][];
  /** The pairs at or above the least weight. */
  a?: Int32Array;
  b?: Int32Array;
  weight?: Float32Array;
  compared: number;
}

/** A generator of 32 random bits (xorshift), the same on every machine. */
export function randomBits(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Makes what carries out tasks on a ground, in whichever thread. */
export function worker(ground: Ground): (task: Task) => Done {
  const { population, blocks, across } = ground;
  const fields = fieldsWith(ground.attributes);
  const comparer = comparerOf(population, ground.attributes.length);
  const levels = new Uint8Array(fields.length);
  const { columns, size } = population;
  // Counted over all records, so once and not with each task.
  let counted: Frequency | undefined;

  const patterns = (walk: (note: (a: number, b: number) => void) => void): Done => {
    const found = new Map<number, number>();
    let compared = 0;
    walk((a, b) => {
      comparer.compare(a, b, levels);
      const code = codeOf(fields, levels);
      found.set(code, (found.get(code) ?? 0) + 1);
      compared += 1;
    });
    return { patterns: [...found], compared };
  };

  const random = (pairs: number, seed: number): Done =>
    patterns((note) => {
      const next = randomBits(seed);
      const cell = (record: number, at: number): number => columns[record * WIDTH + at] as number;
      for (let tried = 0; tried < pairs; tried += 1) {
        const a = next() % size;
        const b = next() % size;
        if (a === b || cell(a, column.person) !== cell(b, column.person)) continue;
        if (across && cell(a, column.dataset) === cell(b, column.dataset)) continue;
        note(a, b);
      }
    });

  const score = (task: Extract<Task, { kind: 'score' }>): Done => {
    counted ??= frequencies(population, ground.attributes.length);
    const { weight } = scorer({ fields, parameters: task.parameters }, comparer, counted);
    const kept: [number[], number[], number[]] = [[], [], []];
    let compared = 0;
    eachPair(blocks, population, across, task.from, task.until, (a, b) => {
      compared += 1;
      const bits = weight(a, b);
      if (bits < task.least) return;
      kept[0].push(a);
      kept[1].push(b);
      kept[2].push(bits);
    });
    return { a: Int32Array.from(kept[0]), b: Int32Array.from(kept[1]), weight: Float32Array.from(kept[2]), compared };
  };

  return (task) => {
    if (task.kind === 'score') return score(task);
    if (task.kind === 'random') return random(task.pairs, task.seed);
    return patterns((note) => eachPair(blocks, population, across, task.from, task.until, note));
  };
}
