import type { Call } from '@rapport/kit/rpc';
import { type PreviewChangesRequest, type PreviewChangesResponse, Step } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { factFilter } from '../fact/fact.js';
import { checkPeriod, daysAfter } from '../history/history.js';
import { rangesFor } from '../membership/membership.js';
import { anyMerged } from '../merge/merge.js';
import { compileRules, type DayNumber, describeRule } from '../rule/rule.js';
import { dateMessage, requestedDay, soundRuleInUse } from './segment.js';

/** Each step is one more look at every party in the same scan. */
const STEPS = 62;
/** The most parties that a sample may ask for. */
const SAMPLE = 100;

/** The days that are looked at: the first, each a step later, and the last. Throws PERIOD_INVALID. */
function daysOf(from: DayNumber, to: DayNumber, step: Step): DayNumber[] {
  const length = step === Step.STEP_WEEK ? 7 : 1;
  checkPeriod(from, to, STEPS * length);
  if (from === to) {
    throw fail('PERIOD_INVALID', { violations: [{ field: 'to', description: 'must lie after the first day' }] });
  }
  const days = [from];
  for (let day = daysAfter(from, length); day < to; day = daysAfter(day, length)) days.push(day);
  return [...days, to];
}

/**
 * Gives who would have come into a segment of that rule and left it between two days, step by step.
 * Throws RULE_INVALID, DATE_INVALID, PERIOD_INVALID.
 */
export async function previewChanges(
  deps: Deps,
  request: PreviewChangesRequest,
  call: Call,
): Promise<PreviewChangesResponse> {
  const { db, analytics, zone, reads } = deps;
  const { rule, segments } = await soundRuleInUse(db.system, request.rule);
  const [from, to] = [requestedDay(request.from, 'from'), requestedDay(request.to, 'to')];
  if (from === undefined || to === undefined) throw new TypeError('validation lets no request without two days pass');
  const days = daysOf(from, to, request.step);
  const {
    from: source,
    conditions,
    joins,
    parameters,
  } = compileRules(
    days.map((asOf) => ({ rule, asOf })),
    zone,
    {
      where: factFilter(call.scope, request.organisationPath, { manager: true }),
      merged: await anyMerged(db.system),
      segments,
      ranged: true,
    },
  );
  const started = performance.now();
  const found = { counts: days.map(() => 0), entered: days.map(() => 0), exited: days.map(() => 0) };
  const samples = { entered: [] as string[], exited: [] as string[] };
  const first = (known: string[], more: string[]) => [...known, ...more].sort().slice(0, SAMPLE);
  // Range by range, so that the largest bank takes no more memory than a small one: counts add up.
  for (const range of await rangesFor(analytics, { joins })) {
    const [row] = await analytics.query<typeof found & { entered_sample: string[]; exited_sample: string[] }>(
      `SELECT sumForEach(hits) AS counts,
        sumForEach(arrayMap((before, after) -> toUInt8(after AND NOT before), arrayPopBack(hits), arrayPopFront(hits))) AS entered,
        sumForEach(arrayMap((before, after) -> toUInt8(before AND NOT after), arrayPopBack(hits), arrayPopFront(hits))) AS exited,
        groupArraySortedIf(${SAMPLE})(party, hits[-1] AND NOT hits[1]) AS entered_sample,
        groupArraySortedIf(${SAMPLE})(party, hits[1] AND NOT hits[-1]) AS exited_sample
        FROM (SELECT toString(p.party) AS party, [${conditions.map((one) => `toUInt8(${one})`).join(', ')}] AS hits
          FROM ${source})`,
      { ...parameters, ...range },
      { signal: call.signal },
    );
    if (!row) continue;
    for (const name of ['counts', 'entered', 'exited'] as const)
      found[name] = found[name].map((count, index) => count + Number(row[name][index] ?? 0));
    samples.entered = first(samples.entered, row.entered_sample);
    samples.exited = first(samples.exited, row.exited_sample);
  }
  const sqlMs = performance.now() - started;
  const named = (sample: readonly string[]): string[] =>
    sample.slice(0, request.sampleSize).map((party) => `parties/${party}`);
  const [enteredSample, exitedSample] = [named(samples.entered), named(samples.exited)];
  const seen = [...enteredSample, ...exitedSample];
  await reads.record(call, seen.length > 0 ? seen : 'segments:previewChanges');
  return {
    steps: days.map((day, index) => ({
      day: dateMessage(day),
      count: BigInt(found.counts[index] ?? 0),
      entered: BigInt(found.entered[index - 1] ?? 0),
      exited: BigInt(found.exited[index - 1] ?? 0),
    })),
    enteredSample,
    exitedSample,
    description: describeRule(rule),
    sqlMs,
  };
}
