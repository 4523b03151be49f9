import { audit } from '@rapport/kit/crypto';
import type { Call } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type MatchFileHeader,
  type MatchFileRequest,
  type MatchFileResponse,
  MatchFileSummary,
  MatchStage,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { type Advance, type Judgement, judge, possiblePairs } from './engine.js';
import { collectKeys } from './key-blocks.js';
import { blockingKeys } from './keys.js';
import { modelMessage } from './model-message.js';
import { collectPopulation } from './population.js';
import { recordProfile } from './record-profile.js';
import type { Ground } from './work.js';

/** More records than this do not fit into the memory of a service; a bank's own parties are matched in a run. */
const MOST_RECORDS = 2_000_000;
/** Each file takes memory of its own. */
const MOST_FILES = 2;
const ASSIGNMENTS = 20_000;
const PROGRESS_RECORDS = 20_000;
const PROGRESS_MS = 200;

const stages = {
  sampling: MatchStage.MATCH_STAGE_SAMPLING,
  learning: MatchStage.MATCH_STAGE_LEARNING,
  scoring: MatchStage.MATCH_STAGE_SCORING,
  clustering: MatchStage.MATCH_STAGE_CLUSTERING,
} as const;

let open = 0;

/** Judges the records of a file by the engine of the bank's own parties; keeps nothing. */
export async function* matchFile(
  deps: Deps,
  requests: AsyncIterable<MatchFileRequest>,
  call: Call,
): AsyncIterable<MatchFileResponse> {
  const messages = requests[Symbol.asyncIterator]();
  const header = headerOf((await messages.next()).value as MatchFileRequest | undefined);
  if (open >= MOST_FILES) throw fail('MATCH_FILE_BUSY', { retryInMs: 10_000 });
  open += 1;
  try {
    const keys = collectKeys();
    const collected = collectPopulation();
    for (let next = await messages.next(); !next.done; next = await messages.next()) {
      const { part } = next.value;
      if (part?.$case !== 'batch') throw fail('MATCH_FILE_HEADER_REPEATED');
      const before = collected.size();
      if (before + part.value.records.length > MOST_RECORDS) throw fail('MATCH_FILE_TOO_LARGE');
      for (const record of part.value.records) {
        const profile = recordProfile(record);
        const number = collected.add(profile, Math.min(record.dataset, header.datasets - 1));
        keys.add(number, blockingKeys(profile));
      }
      const after = collected.size();
      if (Math.floor(after / PROGRESS_RECORDS) > Math.floor(before / PROGRESS_RECORDS)) {
        yield progress(MatchStage.MATCH_STAGE_READING, after, 0);
      }
    }
    const records = collected.size();
    await deps.db.transaction(call.scope, (tx) =>
      audit(tx, call, { resource: `matchFiles/${uuidv7()}`, change: { records } }),
    );
    yield progress(MatchStage.MATCH_STAGE_BLOCKING, 0, records);
    const ground: Ground = {
      population: collected.done(),
      blocks: keys.blocks(records),
      attributes: header.attributes,
      across: header.datasets > 1,
    };
    const judgement = yield* follow((advance) => judge(ground, call.signal, advance));
    yield { part: { $case: 'model', value: modelMessage(judgement, judgement.bands, { records }) } };
    yield { part: { $case: 'summary', value: summaryOf(ground, judgement) } };
    for (let first = 0; first < records; first += ASSIGNMENTS) {
      const clusters = [...judgement.clusters.of.subarray(first, first + ASSIGNMENTS)];
      yield { part: { $case: 'assignments', value: { first: BigInt(first), clusters } } };
    }
  } finally {
    open -= 1;
  }
}

function headerOf(message: MatchFileRequest | undefined): MatchFileHeader {
  if (message?.part?.$case !== 'header') throw fail('MATCH_FILE_HEADER_MISSING');
  return message.part.value;
}

function progress(stage: MatchStage, done: number, total: number): MatchFileResponse {
  return { part: { $case: 'progress', value: { stage, done: BigInt(done), total: BigInt(total) } } };
}

/** Runs the work and tells now and then where it stands; gives its result. */
async function* follow(work: (advance: Advance) => Promise<Judgement>): AsyncGenerator<MatchFileResponse, Judgement> {
  let latest: MatchFileResponse | undefined;
  let ended = false;
  const result = work((stage, done, total) => {
    latest = progress(stages[stage], done, total);
  }).finally(() => {
    ended = true;
  });
  // Whoever awaits the result hears of a failure; until then it must not count as unhandled.
  result.catch(() => undefined);
  while (!ended) {
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise((resolve) => {
      timer = setTimeout(resolve, PROGRESS_MS);
    });
    await Promise.race([result, pause]);
    clearTimeout(timer);
    if (latest) yield latest;
    latest = undefined;
  }
  return result;
}

function summaryOf(ground: Ground, { bands, clusters, compared, pairs }: Judgement): MatchFileSummary {
  let auto = 0;
  let review = clusters.refused.length;
  for (const weight of pairs.weight) {
    if (weight >= bands.auto) auto += 1;
    else if (weight >= bands.review) review += 1;
  }
  let found = 0;
  clusters.of.forEach((first, record) => (found += first === record ? 1 : 0));
  return MatchFileSummary.fromPartial({
    records: BigInt(ground.population.size),
    possiblePairs: BigInt(possiblePairs(ground)),
    comparedPairs: BigInt(compared),
    autoPairs: BigInt(auto - clusters.refused.length),
    reviewPairs: BigInt(review),
    clusters: BigInt(found),
    skippedBlocks: BigInt(ground.blocks.skipped.blocks),
    largestSkippedBlock: BigInt(ground.blocks.skipped.largest),
  });
}
