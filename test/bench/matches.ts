import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials, type MethodDefinition, Client, Metadata } from '@grpc/grpc-js';
import { ImportRow, MatchingServiceService, MatchRunState } from '@rapport/proto/customer/v1';
import { openImporter } from './bank.js';
import { type Figure, median, rounded, type Say } from './figure.js';
import { startWorld, type World } from './world.js';

/** How many parties are matched; a million takes a quarter of an hour to seed. */
export const MATCHED = Number(process.env['BENCH_MATCH_PARTIES'] ?? 20_000);
export const matchFigures = ['match_batch', 'match_live'];
const MILLION = 1_000_000;
const MOST_SECONDS = 600;
const MOST_MS = 50;
const CHUNK = 20_000;
const LIVE_CALLS = 200;

const syllables = 'ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu'.split(
  ' ',
);

/** Numbers that look random and are the same each time. */
function numbers(seed: number): (limit: number) => number {
  let state = seed | 1;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const word = (index: number, parts: number): string => {
  let rest = index;
  let text = '';
  for (let part = 0; part < parts; part += 1) {
    text += syllables[rest % syllables.length];
    rest = Math.floor(rest / syllables.length);
  }
  return `${text[0]?.toUpperCase()}${text.slice(1)}`;
};

/** A person, one of a bank in which every twentieth is there twice, the second time with an error and another telephone. */
function personRow(at: number): ImportRow {
  const twice = at % 20 === 19;
  const of = numbers((twice ? at - 1 : at) * 2_654_435_761);
  // Few names are common and most are rare.
  const given = word(Math.floor(600 * (of(1000) / 1000) ** 2), 2);
  const family = word(Math.floor(24_000 * (of(100_000) / 100_000) ** 2), 3);
  const birthDate = { year: 1935 + of(70), month: 1 + of(12), day: 1 + of(28) };
  const town = of(800);
  const street = `${word(of(20_000), 4)} ${1 + of(150)}`;
  const phone = `+42060${String(1_000_000 + (at % 9_000_000))}`;
  const email = `${given}.${family}.${of(1_000_000)}@example.com`.toLowerCase();
  return ImportRow.fromPartial({
    line: BigInt(at + 1),
    row: {
      $case: 'party',
      value: {
        sourceKey: `client/${at}`,
        party: {
          details: {
            $case: 'person',
            value: { givenName: given, familyName: twice ? `${family}x` : family, sex: 1 + of(2), birthDate },
          },
          organisationPath: '/bench/prague/1',
          contactPoints: [
            { point: { $case: 'email', value: email } },
            { point: { $case: 'phone', value: phone } },
            {
              point: {
                $case: 'postalAddress',
                value: {
                  lines: [street],
                  locality: word(town, 3),
                  postalCode: String(10_000 + town * 31),
                  countryCode: 'CZ',
                },
              },
            },
          ],
        },
      },
    },
  });
}

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

async function seed(world: World, say: Say): Promise<void> {
  const importer = openImporter(world.customer, world.operator);
  try {
    for (let from = 0; from < MATCHED; from += CHUNK) {
      const count = Math.min(CHUNK, MATCHED - from);
      const { import: answer } = await importer.send(
        Array.from({ length: count }, (_none, at) => personRow(from + at)),
      );
      const rejected = answer?.counts.reduce((sum, one) => sum + one.rejected, 0n) ?? 0n;
      if (rejected > 0n) throw new Error(`${rejected} parties were rejected`);
      say(`${from + count} of ${MATCHED} parties`);
    }
  } finally {
    importer.close();
  }
  await world.database.query('ANALYZE');
}

/** Matches a whole bank, and single parties against it, through the service. */
export async function measureMatching(names: readonly string[], say: Say): Promise<Figure[]> {
  const world = await startWorld(say);
  const { call, close } = openMatching(world);
  try {
    say(`importing ${MATCHED} parties`);
    await seed(world, say);
    const figures: Figure[] = [];
    if (names.includes('match_live')) {
      const { rows } = await world.database.query<{ id: string }>(
        'SELECT party_id AS id FROM match_profile ORDER BY md5(party_id::text) LIMIT $1',
        [LIVE_CALLS],
      );
      const times: number[] = [];
      for (const { id } of rows) {
        const began = performance.now();
        await call(MatchingServiceService.findMatches, { party: `parties/${id}` });
        times.push(performance.now() - began);
      }
      const value = rounded(median(times), 2);
      figures.push({ name: 'match_live', value, unit: 'ms', baseline: null, ratio: null, goal: MOST_MS });
    }
    if (names.includes('match_batch')) {
      const request = { organisationPath: '/bench', requestId: randomUUID() };
      const began = performance.now();
      const { matchRun } = await call(MatchingServiceService.startMatchRun, request);
      for (;;) {
        await sleep(500);
        const { matchRun: run } = await call(MatchingServiceService.getMatchRun, { name: matchRun?.name ?? '' });
        if (run?.state === MatchRunState.MATCH_RUN_STATE_RUNNING) continue;
        if (run?.state !== MatchRunState.MATCH_RUN_STATE_COMPLETED) throw new Error('the run failed');
        say(
          `${run.records} records, ${run.comparedPairs} pairs compared, ${run.autoPairs} auto, ${run.reviewPairs} review`,
        );
        break;
      }
      const value = rounded((performance.now() - began) / 1000, 1);
      const goal = MATCHED >= MILLION ? MOST_SECONDS : null;
      figures.push({ name: 'match_batch', value, unit: 's', baseline: null, ratio: null, goal });
    }
    return figures;
  } finally {
    close();
    await world.stop();
  }
}
