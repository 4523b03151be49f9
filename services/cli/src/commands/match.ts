import { accessSync, constants, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  type MatchFileRequest,
  type MatchFileSummary,
  type MatchModel,
  type MatchRecord,
  MatchStage,
} from '@rapport/proto/customer/v1';
import type { Clients } from '../clients.js';
import { readMapping } from '../match/mapping.js';
import { pairwiseQuality, type Quality } from '../match/quality.js';
import { type FileRecord, readRecords } from '../match/records.js';
import { print, table } from '../output.js';
import { openProgress, type Step } from '../progress.js';
import { OperatorError } from '../suite.js';

export interface MatchFlags {
  readonly mapping: string;
  readonly out?: string;
  readonly json?: boolean;
}

const BATCH = 1_000;
/** The longest that the service lets a call take. */
const TIMEOUT_MS = 15 * 60_000;

/** What is kept of a row while the service judges it. The truth stays here. */
type Kept = Omit<FileRecord, 'record'> & { file: string; dataset: number };

const stageNames: Readonly<Record<number, string>> = {
  [MatchStage.MATCH_STAGE_READING]: 'reading',
  [MatchStage.MATCH_STAGE_BLOCKING]: 'blocking',
  [MatchStage.MATCH_STAGE_SAMPLING]: 'sampling',
  [MatchStage.MATCH_STAGE_LEARNING]: 'learning',
  [MatchStage.MATCH_STAGE_SCORING]: 'scoring',
  [MatchStage.MATCH_STAGE_CLUSTERING]: 'clustering',
};

/**
 * `rapport match <file> [<file2>]`: which rows are one party, judged by the matcher of the customer service. Imports
 * nothing. With two files only pairs across them are looked for.
 */
export async function match(clients: Clients, files: readonly string[], flags: MatchFlags): Promise<void> {
  const from = readMapping(flags.mapping);
  const { mapping } = from;
  if (flags.out !== undefined) assertWritable(flags.out);
  const kept: Kept[] = [];
  const began = performance.now();
  const progress = openProgress(flags.json === true && !process.stderr.isTTY);

  async function* requests(): AsyncGenerator<MatchFileRequest> {
    const attributes = Object.keys(mapping.attributes);
    yield { part: { $case: 'header', value: { datasets: files.length, attributes } } };
    let records: MatchRecord[] = [];
    for (const [dataset, file] of files.entries()) {
      for await (const { record, ...rest } of readRecords(file, from, dataset)) {
        records.push(record);
        kept.push({ ...rest, file: path.basename(file), dataset });
        if (records.length < BATCH) continue;
        yield { part: { $case: 'batch', value: { records } } };
        records = [];
      }
    }
    if (records.length > 0) yield { part: { $case: 'batch', value: { records } } };
    if (kept.length === 0) throw new OperatorError(`${files.join(', ')}: no rows`);
  }

  let model: MatchModel | undefined;
  let summary: MatchFileSummary | undefined;
  const clusters: number[] = [];
  let fault: unknown;
  const guarded = async function* (): AsyncGenerator<MatchFileRequest> {
    try {
      yield* requests();
    } catch (error) {
      fault = error;
      throw error;
    }
  };
  let step: Step | undefined;
  let stage: number = MatchStage.MATCH_STAGE_UNSPECIFIED;
  try {
    for await (const { part } of clients.matching.matchFile(guarded(), { timeoutMs: TIMEOUT_MS })) {
      if (part?.$case === 'progress') {
        if (part.value.stage !== stage) {
          step?.done();
          stage = part.value.stage;
          step = progress.step(stageNames[stage] ?? 'working');
        }
        step?.say(`${part.value.done}${part.value.total > 0n ? ` of ${part.value.total}` : ''}`);
      } else if (part?.$case === 'model') model = part.value;
      else if (part?.$case === 'summary') summary = part.value;
      else if (part?.$case === 'assignments') clusters.push(...part.value.clusters);
    }
  } catch (error) {
    // What this side could not read says more than the call that broke of it.
    throw fault ?? error;
  }
  step?.done();
  if (!model || !summary || clusters.length !== kept.length) throw new Error('the answer of the service is not whole');
  const seconds = (performance.now() - began) / 1000;
  if (flags.out !== undefined) writeFileSync(flags.out, clustersCsv(kept, clusters));
  const labelled = kept.map(({ dataset, truth }, at) => ({ dataset, truth, cluster: clusters[at] as number }));
  const quality = mapping.truth ? pairwiseQuality(labelled, files.length > 1) : undefined;
  print(flags.json === true, resultOf(files, model, summary, quality, seconds), () =>
    lines(model, summary, quality, seconds),
  );
}

/** Throws an OperatorError before the work begins, not after it, where its result could not be written. */
function assertWritable(file: string): void {
  try {
    accessSync(path.dirname(file), constants.W_OK);
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === false) throw new Error('no file');
  } catch {
    throw new OperatorError(`--out ${file} cannot be written.`);
  }
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function clustersCsv(kept: readonly Kept[], clusters: readonly number[]): string {
  const rows = kept.map(({ file, line, key }, at) => `${quoted(file)},${line},${quoted(key)},${clusters[at]}\n`);
  return `file,line,key,cluster\n${rows.join('')}`;
}

function resultOf(
  files: readonly string[],
  model: MatchModel,
  summary: MatchFileSummary,
  quality: Quality | undefined,
  seconds: number,
): object {
  return {
    files: files.map((file) => path.basename(file)),
    records: summary.records,
    clusters: summary.clusters,
    pairs: {
      possible: summary.possiblePairs,
      compared: summary.comparedPairs,
      auto: summary.autoPairs,
      review: summary.reviewPairs,
      no_match: summary.possiblePairs - summary.autoPairs - summary.reviewPairs,
    },
    skipped_blocks: summary.skippedBlocks,
    model: {
      match_rate: model.matchRate,
      household_rate: model.householdRate,
      auto_weight: model.autoWeight,
      review_weight: model.reviewWeight,
      iterations: model.iterations,
      fields: model.fields,
    },
    ...quality,
    seconds: Number(seconds.toFixed(2)),
  };
}

function* lines(
  model: MatchModel,
  summary: MatchFileSummary,
  quality: Quality | undefined,
  seconds: number,
): Generator<string> {
  yield `${summary.records} records in ${summary.clusters} clusters (${seconds.toFixed(1)} s)`;
  yield `pairs: ${summary.autoPairs} auto (≥ ${model.autoWeight.toFixed(1)} bits), ${summary.reviewPairs} review (≥ ${model.reviewWeight.toFixed(1)} bits), ${summary.possiblePairs - summary.autoPairs - summary.reviewPairs} no match; ${summary.comparedPairs} compared`;
  if (summary.skippedBlocks > 0n)
    yield `${summary.skippedBlocks} blocks were too large to compare (up to ${summary.largestSkippedBlock} records)`;
  yield '';
  yield* table(
    ['field', 'level', 'm', 'u', 'bits'],
    model.fields.flatMap(({ name, levels }) =>
      levels.map((level) => [name, level.name, level.m.toFixed(4), level.u.toExponential(2), level.weight.toFixed(2)]),
    ),
  );
  if (!quality) return;
  yield '';
  yield `precision ${quality.precision.toFixed(4)}  recall ${quality.recall.toFixed(4)}  F1 ${quality.f1.toFixed(4)}  (${quality.correct_pairs} of ${quality.true_pairs} true pairs, ${quality.predicted_pairs} predicted)`;
}
