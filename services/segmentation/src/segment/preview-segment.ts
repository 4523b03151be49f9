import type { Call } from '@rapport/kit/rpc';
import type { PreviewSegmentRequest, PreviewSegmentResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { factFilter } from '../fact/fact.js';
import { rangesFor } from '../membership/membership.js';
import { anyMerged } from '../merge/merge.js';
import { compileRules, describeRule } from '../rule/rule.js';
import { dateMessage, requestedDay, today, soundRuleInUse } from './segment.js';

/** Counts the parties that a rule takes, among those that the caller may see. Throws RULE_INVALID, DATE_INVALID. */
export async function previewSegment(
  deps: Deps,
  request: PreviewSegmentRequest,
  call: Call,
): Promise<PreviewSegmentResponse> {
  const { rule, segments } = await soundRuleInUse(deps.db.system, request.rule);
  const asOf = requestedDay(request.asOf) ?? today(deps);
  const merged = await anyMerged(deps.db.system);
  const where = factFilter(call.scope, request.organisationPath, { manager: true });
  const { from, conditions, joins, parameters } = compileRules([{ rule, asOf }], deps.zone, {
    where,
    merged,
    segments,
    ranged: true,
  });
  const started = performance.now();
  let count = 0;
  let found: string[] = [];
  // Range by range, so that a preview of the largest bank takes no more memory than one of a small one.
  for (const range of await rangesFor(deps.analytics, { joins })) {
    const [row] = await deps.analytics.query<{ count: number; sample: string[] }>(
      `SELECT count() AS count, groupArraySorted(100)(toString(p.party)) AS sample FROM ${from} WHERE ${conditions[0]}`,
      { ...parameters, ...range },
      { signal: call.signal },
    );
    count += Number(row?.count ?? 0);
    found = [...found, ...(row?.sample ?? [])].sort().slice(0, 100);
  }
  const sqlMs = performance.now() - started;
  const sample = found.slice(0, request.sampleSize).map((party) => `parties/${party}`);
  await deps.reads.record(call, sample.length > 0 ? sample : 'segments:preview');
  return {
    count: BigInt(count),
    sample,
    sqlMs,
    description: describeRule(rule),
    asOf: dateMessage(asOf),
  };
}
