import { createHash } from 'node:crypto';
import { type Queryable, sql } from '@rapport/kit/db';
import { blockCount, type Blocks } from './blocks.js';
import type { Checkpoint, Learned } from './engine.js';
import type { Done } from './work.js';

/** So many places of records in blocks make a slice, on average: at a million parties some hundred slices. */
const SLICE = 50_000;

/** A slice of the blocks of a run. */
interface Slice {
  from: number;
  until: number;
  /** Says which parties stand in which of its blocks, and in which order. */
  digest: Buffer;
}

/**
 * Cuts blocks into slices that stay the same when a few parties are made, changed or merged: whether a slice ends with a
 * block follows from the parties in that block alone, so that a change moves the cuts around it and no others. What a
 * slice gives follows from the blocks in it and from which blocks were left out as too large; the digest covers both. A pair
 * that a change brings into a slice which is done already is one of a changed party, which live matching compares anyway.
 */
export function slicesOf(blocks: Blocks, ids: readonly string[], size = SLICE): Slice[] {
  const { starts, members } = blocks;
  const slices: Slice[] = [];
  const left = `${blocks.skipped.blocks} ${blocks.skipped.largest}`;
  let from = 0;
  let hash = createHash('sha256').update(left);
  for (let block = 0; block < blockCount(blocks); block += 1) {
    const [begin, end] = [starts[block] as number, starts[block + 1] as number];
    let text = '';
    for (let at = begin; at < end; at += 1) text += ids[members[at] as number] as string;
    hash.update(`${text}\n`);
    const filled = end - (starts[from] as number);
    const last = block + 1 === blockCount(blocks);
    // On average after half a slice more, at the latest after two.
    const ends = filled >= size / 2 && markOf(text) % size < (end - begin) * 2;
    if (!ends && filled < size * 2 && !last) continue;
    slices.push({ from, until: block + 1, digest: hash.digest() });
    from = block + 1;
    hash = createHash('sha256').update(left);
  }
  return slices;
}

/** A number that looks random of the parties of a block. */
function markOf(text: string): number {
  let mark = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) mark = Math.imul(mark ^ text.charCodeAt(at), 0x01000193);
  mark ^= mark >>> 15;
  return Math.imul(mark, 0x85ebca6b) >>> 0;
}

interface SliceRow {
  digest: Buffer;
  compared: bigint;
  a: string[];
  b: string[];
}

/**
 * What is known of a run that was cut off, for the bank as it is now, and where it is kept how far the run comes. A run that
 * begins has nothing; slices whose parties have changed are weighed again.
 */
export async function checkpointOf(
  on: Queryable,
  runId: string,
  blocks: Blocks,
  ids: readonly string[],
  size?: number,
): Promise<Checkpoint> {
  const slices = slicesOf(blocks, ids, size);
  const { learned } = await on.one<{ learned: Pick<Learned, 'parameters' | 'iterations'> | null }>(sql`
    SELECT learned FROM match_run WHERE run_id = ${runId}`);
  const rows = await on.rows<SliceRow>(sql`
    SELECT digest, compared, a, b FROM match_run_slice
    WHERE run_id = ${runId} AND digest = ANY(${slices.map(({ digest }) => digest)}::bytea[])`);
  const byDigest = new Map(rows.map((row) => [row.digest.toString('hex'), row]));
  const numbers = rows.length > 0 ? new Map(ids.map((id, number) => [id, number])) : new Map<string, number>();
  const numberOf = (id: string): number => numbers.get(id) as number;
  return {
    cuts: slices,
    learned: learned ?? undefined,
    async keepLearned({ parameters, iterations }) {
      await on.run(sql`
        UPDATE match_run SET learned = ${JSON.stringify({ parameters, iterations })}::jsonb WHERE run_id = ${runId}`);
    },
    weighed(at) {
      const row = byDigest.get((slices[at] as Slice).digest.toString('hex'));
      if (!row) return undefined;
      return {
        a: Int32Array.from(row.a, numberOf),
        b: Int32Array.from(row.b, numberOf),
        compared: Number(row.compared),
      };
    },
    async keepWeighed(at, { a = new Int32Array(), b = new Int32Array(), compared }: Done) {
      const idOf = (number: number): string => ids[number] as string;
      await on.run(sql`
        INSERT INTO match_run_slice (run_id, digest, compared, a, b)
        VALUES (${runId}, ${(slices[at] as Slice).digest}, ${compared}, ${Array.from(a, idOf)}::uuid[],
          ${Array.from(b, idOf)}::uuid[])
        ON CONFLICT DO NOTHING`);
    },
  };
}
