import type { Queryable } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type { SchemePlan } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { factFilter } from '../fact/fact.js';
import { countGroups, partitionProblems } from '../partition/partition.js';
import { type Rule, schemesOf, segmentsAskedBy, type SegmentRules } from '../rule/rule.js';
import { readRuleInUse, segmentsInUse, today } from '../segment/segment.js';
import { groupsOf, isComputed, type PlanProblem, planProblems, rulesIn, wordsOf } from './plan.js';

/** A plan with where it is to hold. */
export interface Proposed {
  schemeId: string;
  organisationPath: string;
  plan: SchemePlan | undefined;
}

/** A segment by way of which a rule asks for the groups of a scheme in the end. */
function wayToScheme(rule: Rule, schemeId: string, segments: SegmentRules): string | undefined {
  // Grows while it is walked, and has everything once.
  const seen = new Set(segmentsAskedBy(rule, segments));
  for (const id of seen) {
    const found = segments.get(id);
    if (!found) continue;
    if (schemesOf(found.rule).includes(schemeId)) return id;
    for (const next of segmentsAskedBy(found.rule, segments)) seen.add(next);
  }
  return undefined;
}

/** What is wrong with a plan by itself, and with what its rules ask for: segments in use, schemes, lists. */
export async function planProblemsInUse(on: Queryable, schemeId: string, plan: SchemePlan): Promise<PlanProblem[]> {
  const faults = planProblems(schemeId, plan);
  if (faults.length > 0) return faults;
  for (const { field, rule } of rulesIn(plan)) {
    const read = await readRuleInUse(on, rule);
    if ('problem' in read) faults.push({ field, reason: 'RULE_INVALID', message: wordsOf(read.problem) });
  }
  return faults;
}

/**
 * The plan of a request, when it is sound; that of a partition is proved, and looked at on the parties of its part of the
 * bank that the caller may see. Throws PLAN_INVALID, PARTITION_NOT_SOUND, each with what is wrong, in words.
 */
export async function soundPlan(
  deps: Deps,
  proposed: Proposed,
  call: Pick<Call, 'scope' | 'signal'>,
): Promise<SchemePlan> {
  const { schemeId, organisationPath, plan } = proposed;
  if (!plan) throw fail('PLAN_INVALID', { violations: [{ field: 'plan', description: 'is missing' }] });
  const faults = await planProblemsInUse(deps.db.system, schemeId, plan);
  if (faults.length > 0) {
    const violations = faults.map(({ field, message }) => ({ field: `plan.${field}`, description: message }));
    throw fail('PLAN_INVALID', { violations });
  }
  if (isComputed(plan)) return plan;
  const groups = groupsOf(schemeId, plan);
  const where = factFilter(call.scope, organisationPath, { manager: true });
  const counted = await countGroups(deps, groups, { asOf: today(deps), where, schemeId, signal: call.signal });
  const segments = await segmentsInUse(deps.db.system);
  const circles = counted.rules.flatMap((rule, index) => {
    const way = wayToScheme(rule, schemeId, segments);
    const group = groups[index]?.title.groupId ?? '';
    return way === undefined
      ? []
      : [
          {
            field: `plan.${group}`,
            description: `${group} asks for the segment ${way}, which asks for this partition.`,
          },
        ];
  });
  if (circles.length > 0) throw fail('PLAN_INVALID', { violations: circles });
  const { problems } = partitionProblems(groups, counted);
  const [first] = problems;
  if (!first) return plan;
  // The example party stands in the metadata, so that what is logged of the message names nobody.
  throw fail('PARTITION_NOT_SOUND', {
    metadata: {
      problem: first.reason,
      groups: first.groups.join(','),
      example: first.example,
      party: first.exampleParty,
    },
    violations: problems.map(({ field, message, example }) => ({
      field: `plan.${field}`,
      description: example === '' ? message : `${message} For example: ${example}.`,
    })),
  });
}
