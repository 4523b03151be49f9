import type { Call } from '@rapport/kit/rpc';
import type { CompareSegmentVersionsRequest, CompareSegmentVersionsResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { factFilter } from '../fact/fact.js';
import { anyMerged } from '../merge/merge.js';
import { compileRules } from '../rule/rule.js';
import { compareRules } from './compare-rules.js';
import { dateMessage, dayOf, findVersion, pathCondition, requestedDay, soundRuleInUse, today } from './segment.js';

/**
 * Gives how the rules of two versions differ and who comes and leaves between them, among those that the caller may see.
 * Both are evaluated in one statement. Throws SEGMENT_NOT_FOUND, RULE_INVALID, DATE_INVALID.
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
  const { from, conditions, parameters } = compileRules([base, compared], zone, {
    where: factFilter(call.scope, '', { manager: true }),
    merged: await anyMerged(db.system),
    segments: read.find(({ segments }) => segments)?.segments,
  });
  const [one, two] = rows.map((row, index) => pathCondition(row.organisation_path, `path${index}`));
  const started = performance.now();
  const [row] = await analytics.query<{
    base: number;
    compared: number;
    entering: number;
    leaving: number;
    entering_sample: string[];
    leaving_sample: string[];
  }>(
    `SELECT countIf(b) AS base, countIf(c) AS compared, countIf(c AND NOT b) AS entering, countIf(b AND NOT c) AS leaving,
      groupArraySortedIf(100)(party, c AND NOT b) AS entering_sample,
      groupArraySortedIf(100)(party, b AND NOT c) AS leaving_sample
      FROM (SELECT toString(p.party) AS party, (${conditions[0]} AND ${one?.text}) AS b,
        (${conditions[1]} AND ${two?.text}) AS c FROM ${from})`,
    { ...parameters, ...one?.parameters, ...two?.parameters },
    { signal: call.signal },
  );
  const sqlMs = performance.now() - started;
  const named = (sample: string[] | undefined): string[] =>
    (sample ?? []).slice(0, request.sampleSize).map((party) => `parties/${party}`);
  const [enteringSample, leavingSample] = [named(row?.entering_sample), named(row?.leaving_sample)];
  await reads.record(call, [request.base, request.name, ...enteringSample, ...leavingSample]);
  return {
    changes: compareRules({ rule: base.rule, text: rows[0].rule }, { rule: compared.rule, text: rows[1].rule }),
    baseCount: BigInt(row?.base ?? 0),
    count: BigInt(row?.compared ?? 0),
    entering: BigInt(row?.entering ?? 0),
    leaving: BigInt(row?.leaving ?? 0),
    enteringSample,
    leavingSample,
    baseAsOf: dateMessage(base.asOf),
    asOf: dateMessage(compared.asOf),
    sqlMs,
  };
}
