import type { Call } from '@rapport/kit/rpc';
import type { CompareSegmentVersionsRequest, CompareSegmentVersionsResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { factFilter } from '../fact/fact.js';
import { rangesFor } from '../membership/membership.js';
import { anyMerged } from '../merge/merge.js';
import { compileRules } from '../rule/rule.js';
import { compareRules } from './compare-rules.js';
import { dateMessage, dayOf, findVersion, pathCondition, requestedDay, soundRuleInUse, today } from './segment.js';

/** The most parties that a sample may ask for. */
const SAMPLE = 100;

/**
 * Gives how the rules of two versions differ and who comes and leaves between them, among those that the caller may see.
 * Both are evaluated together. Throws SEGMENT_NOT_FOUND, RULE_INVALID, DATE_INVALID.
 */
export async function compareSegmentVersions(
  deps: Deps,
  request: CompareSegmentVersionsRequest,
  call: Call,
): Promise<CompareSegmentVersionsResponse> {
  const { db, analytics, zone, reads } = deps;
  const on = db.scoped(call.scope);
  const rows = [
    await findVersion(on, call.scope, request.base),
    await findVersion(on, call.scope, request.name),
  ] as const;
  const fixed = requestedDay(request.asOf);
  const read = await Promise.all(rows.map((row) => soundRuleInUse(db.system, row.rule, row.segment_id)));
  const [base, compared] = read.map(({ rule }, index) => ({
    rule,
    asOf: fixed ?? dayOf(rows[index]?.as_of ?? null) ?? today(deps),
  }));
  if (!base || !compared) throw new Error('two versions were read');
  const { from, conditions, joins, parameters } = compileRules([base, compared], zone, {
    where: factFilter(call.scope, '', { manager: true }),
    merged: await anyMerged(db.system),
    segments: read.find(({ segments }) => segments)?.segments,
    ranged: true,
  });
  const [one, two] = rows.map((row, index) => pathCondition(row.organisation_path, `path${index}`));
  const started = performance.now();
  const found = { base: 0, compared: 0, entering: 0, leaving: 0 };
  const samples = { entering: [] as string[], leaving: [] as string[] };
  const first = (known: string[], more: string[]) => [...known, ...more].sort().slice(0, SAMPLE);
  // Range by range, so that the largest bank takes no more memory than a small one: counts add up.
  for (const range of await rangesFor(analytics, { joins })) {
    const [row] = await analytics.query<typeof found & { entering_sample: string[]; leaving_sample: string[] }>(
      `SELECT countIf(b) AS base, countIf(c) AS compared, countIf(c AND NOT b) AS entering, countIf(b AND NOT c) AS leaving,
        groupArraySortedIf(${SAMPLE})(party, c AND NOT b) AS entering_sample,
        groupArraySortedIf(${SAMPLE})(party, b AND NOT c) AS leaving_sample
        FROM (SELECT toString(p.party) AS party, (${conditions[0]} AND ${one?.text}) AS b,
          (${conditions[1]} AND ${two?.text}) AS c FROM ${from})`,
      { ...parameters, ...one?.parameters, ...two?.parameters, ...range },
      { signal: call.signal },
    );
    if (!row) continue;
    for (const name of ['base', 'compared', 'entering', 'leaving'] as const) found[name] += Number(row[name]);
    samples.entering = first(samples.entering, row.entering_sample);
    samples.leaving = first(samples.leaving, row.leaving_sample);
  }
  const sqlMs = performance.now() - started;
  const named = (sample: readonly string[]): string[] =>
    sample.slice(0, request.sampleSize).map((party) => `parties/${party}`);
  const [enteringSample, leavingSample] = [named(samples.entering), named(samples.leaving)];
  await reads.record(call, [request.base, request.name, ...enteringSample, ...leavingSample]);
  return {
    changes: compareRules({ rule: base.rule, text: rows[0].rule }, { rule: compared.rule, text: rows[1].rule }),
    baseCount: BigInt(found.base),
    count: BigInt(found.compared),
    entering: BigInt(found.entering),
    leaving: BigInt(found.leaving),
    enteringSample,
    leavingSample,
    baseAsOf: dateMessage(base.asOf),
    asOf: dateMessage(compared.asOf),
    sqlMs,
  };
}
