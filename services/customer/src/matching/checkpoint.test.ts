import { existsSync } from 'node:fs';
import path from 'node:path';
import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { all, startCustomer } from '../customer.testkit.js';
import { checkpointOf, slicesOf } from './checkpoint.js';
import { judge } from './engine.js';
import { groundOf, synthesis } from './synthetic.testkit.js';
import { alone, portions, threads } from './threads.js';
import type { Ground, Task } from './work.js';

const records = synthesis(41)
  .bank(1_200, 0.35)
  .map(({ record }) => record);
const idsOf = (ground: Ground): string[] =>
  Array.from(
    { length: ground.population.size },
    (_none, at) => `00000000-0000-7000-8000-${String(at).padStart(12, '0')}`,
  );
const SLICE = 600;

describe('slices of blocks', () => {
  it('cover every block once, and the same blocks make the same slices', () => {
    const ground = groundOf(records);
    const ids = idsOf(ground);
    const slices = slicesOf(ground.blocks, ids, SLICE);
    expect(slices.length).toBeGreaterThan(20);
    expect(slices[0]?.from).toBe(0);
    slices.slice(1).forEach(({ from }, at) => expect(from).toBe(slices[at]?.until));
    expect(slices.at(-1)?.until).toBe(ground.blocks.starts.length - 1);
    expect(slicesOf(groundOf(records).blocks, ids, SLICE)).toEqual(slices);
  });

  it('stay the same where a few parties changed nothing', () => {
    const before = groundOf(records);
    // One party more, the last of all, as those are that come in while a run is cut off.
    const after = groundOf([...records, synthesis(42).bank(1, 0)[0]?.record ?? (records[0] as never)]);
    const digests = (ground: Ground) =>
      slicesOf(ground.blocks, idsOf(ground), SLICE).map(({ digest }) => digest.toString('hex'));
    const known = new Set(digests(before));
    const kept = digests(after).filter((digest) => known.has(digest)).length;
    expect(kept).toBeGreaterThan(known.size / 2);
  });
});

describe('a run that is cut off', () => {
  it('goes on with what it had learned and compared, and ends as one that was never cut off', async () => {
    const running = await startCustomer();
    try {
      const ground = groundOf(records);
      const ids = idsOf(ground);
      const whole = await judge(ground);
      const runId = uuidv7();
      await all(
        running,
        sql`INSERT INTO match_run (run_id, organisation_path, started_by) VALUES (${runId}, '/berka', 'test')`,
      );
      const point = () => checkpointOf(running.db.system, runId, ground.blocks, ids, SLICE);
      const slices = async () =>
        Number((await running.db.system.one<{ n: bigint }>(sql`SELECT count(*) AS n FROM match_run_slice`)).n);
      const dying = new AbortController();
      const dies = judge(
        ground,
        dying.signal,
        (stage, done, total) => {
          if (stage === 'scoring' && done >= total / 2) dying.abort();
        },
        undefined,
        await point(),
      );
      await expect(dies).rejects.toThrow();
      // What was on its way to the database when the run died arrives, or does not; it is not waited for.
      const kept = await slices();
      expect(kept).toBeGreaterThan(5);
      const seen: [string, number][] = [];
      const again = await judge(
        ground,
        undefined,
        (stage, done) => void seen.push([stage, done]),
        undefined,
        await point(),
      );
      expect(seen.some(([stage]) => stage === 'learning' || stage === 'sampling')).toBe(false);
      expect(seen.find(([stage]) => stage === 'scoring')?.[1]).toBeGreaterThan(kept / 2);
      expect(again.parameters).toEqual(whole.parameters);
      expect(again.compared).toBe(whole.compared);
      expect(again.pairs).toEqual(whole.pairs);
      expect(again.clusters).toEqual(whole.clusters);
    } finally {
      await running.stop();
    }
  }, 60_000);
});

it('two threads give what one gives', async () => {
  const file = path.resolve(__dirname, '../../dist/matching/score-worker.js');
  if (!existsSync(file)) throw new Error(`${file} is missing: build it with tsc -b, threads run compiled code`);
  const ground = groundOf(records);
  const { parameters } = await judge(ground);
  const cuts = portions(ground);
  const tasks: Task[] = [
    ...cuts.map((cut): Task => ({ kind: 'score', ...cut, parameters, least: -3.2 })),
    ...cuts.map((cut): Task => ({ kind: 'patterns', ...cut })),
    ...[1, 2, 3].map((seed): Task => ({ kind: 'random', pairs: 5_000, seed })),
  ];
  expect(cuts.length).toBeGreaterThan(3);
  const [one, two] = [alone(ground), threads(ground, 2, file)];
  try {
    const [expected, given] = [await one.carryOut(tasks), await two.carryOut(tasks)];
    expect(given).toEqual(expected);
  } finally {
    await two.close();
  }
}, 60_000);
