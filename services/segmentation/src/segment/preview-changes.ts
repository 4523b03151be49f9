import type { Call } from '@rapport/kit/rpc';
import { type PreviewChangesRequest, type PreviewChangesResponse, Step } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { factFilter } from '../fact/fact.js';
import { checkPeriod, daysAfter } from '../history/history.js';
import { anyMerged } from '../merge/merge.js';
import { compileRules, type DayNumber, describeRule } from '../rule/rule.js';
import { dateMessage, requestedDay, soundRuleInUse } from './segment.js';

/** Each step is one more look at every party in the same scan. */
const STEPS = 62;

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
 * Gives who would have come into a segment of that rule and left it between two days, step by step, in one statement.
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
    parameters,
  } = compileRules(
    days.map((asOf) => ({ rule, asOf })),
    zone,
    {
      where: factFilter(call.scope, request.organisationPath, { manager: true }),
      merged: await anyMerged(db.system),
      segments,
    },
  );
  const started = performance.now();
  const [row] = await analytics.query<{
    counts: number[];
    entered: number[];
    exited: number[];
    entered_sample: string[];
    exited_sample: string[];
  }>(
    `SELECT sumForEach(hits) AS counts,
      sumForEach(arrayMap((before, after) -> toUInt8(after AND NOT before), arrayPopBack(hits), arrayPopFront(hits))) AS entered,
      sumForEach(arrayMap((before, after) -> toUInt8(before AND NOT after), arrayPopBack(hits), arrayPopFront(hits))) AS exited,
      groupArraySortedIf(100)(party, hits[-1] AND NOT hits[1]) AS entered_sample,
      groupArraySortedIf(100)(party, hits[1] AND NOT hits[-1]) AS exited_sample
      FROM (SELECT toString(p.party) AS party, [${conditions.map((one) => `toUInt8(${one})`).join(', ')}] AS hits
        FROM ${source})`,
    parameters,
    { signal: call.signal },
  );
  const sqlMs = performance.now() - started;
  const named = (sample: string[] | undefined): string[] =>
    (sample ?? []).slice(0, request.sampleSize).map((party) => `parties/${party}`);
  const [enteredSample, exitedSample] = [named(row?.entered_sample), named(row?.exited_sample)];
  const seen = [...enteredSample, ...exitedSample];
  await reads.record(call, seen.length > 0 ? seen : 'segments:previewChanges');
  return {
    steps: days.map((day, index) => ({
      day: dateMessage(day),
      count: BigInt(row?.counts[index] ?? 0),
      entered: BigInt(row?.entered[index - 1] ?? 0),
      exited: BigInt(row?.exited[index - 1] ?? 0),
    })),
    enteredSample,
    exitedSample,
    description: describeRule(rule),
    sqlMs,
  };
}
