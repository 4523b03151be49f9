import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials, type MethodDefinition, Client, Metadata } from '@grpc/grpc-js';
import { MatchingServiceService, type MatchRun, MatchRunState } from '@rapport/proto/customer/v1';
import { type Figure, median, p99, rounded, type Say } from './figure.js';
import { seedMatched } from './matched.js';
import { usageOf } from './usage.js';
import { startWorld, type World } from './world.js';

/** How many parties are matched; a million takes some minutes to seed. */
export const MATCHED = Number(process.env['BENCH_MATCH_PARTIES'] ?? 20_000);
export const matchFigures = ['match_batch', 'match_batch_cpu', 'match_batch_memory', 'match_live'];
const MILLION = 1_000_000;
const MOST_SECONDS = 600;
const MOST_MEGABYTES = 6_000;
const MOST_MS = 50;
const LIVE_CALLS = 200;

/** Calls of the matcher by an operator of the bank. */
function openMatching({ customer, operator }: World) {
  const client = new Client(customer, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${operator}`);
  const call = <Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
  ): Promise<Response> =>
    new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + 60_000 };
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        options,
        (error, answer) => (answer ? resolve(answer) : reject(error ?? new Error('no answer'))),
      );
    });
  return { call, close: () => client.close() };
}

/** Matches a whole bank, and single parties against it, through the service. */
export async function measureMatching(names: readonly string[], say: Say): Promise<Figure[]> {
  const world = await startWorld(say);
  const { call, close } = openMatching(world);
  try {
    say(`seeding ${MATCHED} parties`);
    await seedMatched(world, MATCHED, say);
    const figures: Figure[] = [];
    // The run first: single parties are then judged by what it learned.
    if (names.some((name) => name.startsWith('match_batch'))) figures.push(...(await measureBatch(world, call, say)));
    if (names.includes('match_live')) figures.push(await measureLive(world, call, say));
    return figures.filter(({ name }) => names.includes(name));
  } finally {
    close();
    await world.stop();
  }
}

type Call = ReturnType<typeof openMatching>['call'];

async function measureBatch(world: World, call: Call, say: Say): Promise<Figure[]> {
  const usage = usageOf(world);
  const began = performance.now();
  const request = { organisationPath: '/bench', requestId: randomUUID() };
  const { matchRun } = await call(MatchingServiceService.startMatchRun, request);
  let run: MatchRun | undefined = matchRun;
  while (run?.state === MatchRunState.MATCH_RUN_STATE_RUNNING) {
    await sleep(500);
    usage.look();
    ({ matchRun: run } = await call(MatchingServiceService.getMatchRun, { name: matchRun?.name ?? '' }));
  }
  const seconds = (performance.now() - began) / 1000;
  if (run?.state !== MatchRunState.MATCH_RUN_STATE_COMPLETED) throw new Error('the run failed');
  const { cpuSeconds, megabytes } = usage.done();
  say(`${run.records} records, ${run.comparedPairs} pairs compared, ${run.autoPairs} auto, ${run.reviewPairs} review`);
  say(`service ${cpuSeconds.customer.toFixed(0)} s of CPU, at most ${megabytes.customer.toFixed(0)} MB`);
  say(`Postgres ${cpuSeconds.postgres.toFixed(0)} s of CPU, at most ${megabytes.postgres.toFixed(0)} MB`);
  const promised = MATCHED >= MILLION;
  const figure = (name: string, value: number, unit: string, goal: number | null): Figure => {
    return { name, value: rounded(value, 1), unit, baseline: null, ratio: null, goal: promised ? goal : null };
  };
  return [
    figure('match_batch', seconds, 's', MOST_SECONDS),
    figure('match_batch_cpu', cpuSeconds.customer + cpuSeconds.postgres, 's', null),
    figure('match_batch_memory', megabytes.customer + megabytes.postgres, 'MB', MOST_MEGABYTES),
  ];
}

async function measureLive(world: World, call: Call, say: Say): Promise<Figure> {
  const { rows } = await world.database.query<{ id: string }>(
    'SELECT party_id AS id FROM match_profile ORDER BY md5(party_id::text) LIMIT $1',
    [LIVE_CALLS],
  );
  const times: number[] = [];
  let found = 0;
  for (const { id } of rows) {
    const began = performance.now();
    const { matches } = await call(MatchingServiceService.findMatches, { party: `parties/${id}` });
    times.push(performance.now() - began);
    if (matches.length > 0) found += 1;
  }
  say(`one party among ${MATCHED}: ${found} of ${times.length} have matches, p99 ${p99(times).toFixed(1)} ms`);
  const value = rounded(median(times), 2);
  return { name: 'match_live', value, unit: 'ms', baseline: null, ratio: null, goal: MOST_MS };
}
