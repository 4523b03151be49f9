import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { client } from '@rapport/kit/rpc';
import {
  MatchFileRequest,
  type MatchFileResponse,
  type MatchFileSummary,
  MatchingServiceService,
  type MatchModel,
  MatchRecord,
} from '@rapport/proto/customer/v1';
import type { Profile } from './profile.js';
import { collectPopulation } from './population.js';
import type { Texts } from './similarity.js';

/** A profile of a person of whom nothing more is known. */
export function profileOf(over: Partial<Profile>): Profile {
  return {
    person: true,
    given: '',
    family: '',
    birth: '',
    sex: 0,
    street: '',
    house: '',
    extra: '',
    locality: '',
    postal: '',
    emails: [],
    phones: [],
    identifiers: [],
    attributes: [],
    ...over,
  };
}

/** A pool of two texts, which are numbers 1 and 2. */
export function pool(a: string, b: string): Texts {
  const collected = collectPopulation();
  collected.add(profileOf({ given: a, family: b }));
  return collected.done().texts;
}

const data = path.resolve(__dirname, '../../../../../shared/data');

/** The rows of a labelled file, each with its cells by column. Says loudly that it is missing. */
export function labelledRows(file: string): Record<string, string>[] {
  const full = path.join(data, file);
  if (!existsSync(full)) throw new Error(`${full} is missing: the quality of the matcher cannot be judged without it`);
  const [head = '', ...lines] = readFileSync(full, 'utf8').trim().split(/\r?\n/);
  const names = head.split(',').map((name) => name.trim());
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(names.map((name, at) => [name, (cells[at] ?? '').trim()]));
  });
}

/** What MatchFile answered, put together. */
export interface FileAnswer {
  model: MatchModel;
  summary: MatchFileSummary;
  clusters: number[];
  stages: Set<number>;
}

export type Matching = ReturnType<typeof openMatching>;

export function openMatching(address: string) {
  return client({ service: MatchingServiceService }, address, { timeoutMs: 120_000 });
}

/** The messages of a file. */
export function* fileOf(records: readonly Partial<MatchRecord>[], datasets = 1): Generator<MatchFileRequest> {
  yield MatchFileRequest.fromPartial({ part: { $case: 'header', value: { datasets } } });
  for (let at = 0; at < records.length; at += 1000) {
    const batch = { records: records.slice(at, at + 1000).map((one) => MatchRecord.fromPartial(one)) };
    yield MatchFileRequest.fromPartial({ part: { $case: 'batch', value: batch } });
  }
}

export async function gathered(answer: AsyncIterable<MatchFileResponse>): Promise<FileAnswer> {
  const clusters: number[] = [];
  const stages = new Set<number>();
  let model: MatchModel | undefined;
  let summary: MatchFileSummary | undefined;
  for await (const { part } of answer) {
    if (part?.$case === 'progress') stages.add(part.value.stage);
    if (part?.$case === 'model') model = part.value;
    if (part?.$case === 'summary') summary = part.value;
    if (part?.$case === 'assignments') clusters.push(...part.value.clusters);
  }
  if (!model || !summary) throw new Error('the answer is not whole');
  return { model, summary, clusters, stages };
}

/** Pairwise quality: of the pairs in one cluster and of the pairs with one truth; `across` counts only pairs of two datasets. */
export function quality(
  clusters: readonly number[],
  truth: readonly string[],
  datasets?: readonly number[],
): { precision: number; recall: number; f1: number } {
  let predicted = 0;
  let real = 0;
  let correct = 0;
  for (let a = 0; a < clusters.length; a += 1) {
    for (let b = a + 1; b < clusters.length; b += 1) {
      if (datasets && datasets[a] === datasets[b]) continue;
      const together = clusters[a] === clusters[b];
      const same = truth[a] === truth[b];
      if (together) predicted += 1;
      if (same) real += 1;
      if (together && same) correct += 1;
    }
  }
  const precision = correct / predicted;
  const recall = correct / real;
  return { precision, recall, f1: (2 * precision * recall) / (precision + recall) };
}
