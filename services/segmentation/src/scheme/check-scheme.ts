import type { Call } from '@rapport/kit/rpc';
import type { CheckSchemeRequest, CheckSchemeResponse, GroupCount, SchemePlan } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { factFilter } from '../fact/fact.js';
import { countGroups, partitionProblems } from '../partition/partition.js';
import type { DayNumber } from '../rule/rule.js';
import { previewAssigned } from '../scan/scan.js';
import { requestedDay, today } from '../segment/segment.js';
import { findUnsaved } from './find.js';
import { groupsOf, isComputed } from './plan.js';
import { planProblemsInUse } from './sound.js';

/** Stands for the id that the scheme will have; no rule of a partition names it. */
const NAMELESS = 'scheme';

/** How many parties each group of tiers or RFM would have; nothing for the kinds that are fitted first. */
async function countComputed(
  deps: Deps,
  plan: SchemePlan,
  day: DayNumber,
  { organisationPath }: CheckSchemeRequest,
  call: Call,
): Promise<GroupCount[]> {
  const { signal } = call;
  const found = await findUnsaved(deps, plan, organisationPath, { day, signal, progress: async () => undefined });
  if (!found) return [];
  const where = factFilter(call.scope, '', { manager: true });
  const moves = await previewAssigned(deps, found, { where, sample: 0, signal });
  const sizes = new Map(moves.map((one) => [one.to_group, one.parties]));
  await deps.reads.record(call, 'schemes:check');
  return groupsOf(NAMELESS, plan).map(({ title: { groupId } }) => ({
    groupId,
    parties: BigInt(sizes.get(groupId) ?? 0),
  }));
}

/**
 * Says what is wrong with a plan, whether its groups were proved to leave nobody out and to take nobody twice, and how
 * many of the parties that the caller may see each would take. Throws DATE_INVALID.
 */
export async function checkScheme(deps: Deps, request: CheckSchemeRequest, call: Call): Promise<CheckSchemeResponse> {
  const { plan } = request;
  const none = { proved: false, counts: [], uncovered: 0n, overlapping: 0n };
  if (!plan) return { problems: [], ...none };
  const asOf = requestedDay(request.asOf) ?? today(deps);
  const faults = await planProblemsInUse(deps.db.system, NAMELESS, plan);
  if (faults.length > 0) {
    const problems = faults.map((fault) => ({ ...fault, groups: [], exampleParty: '', example: '' }));
    return { problems, ...none };
  }
  if (isComputed(plan)) return { problems: [], ...none, counts: await countComputed(deps, plan, asOf, request, call) };
  const groups = groupsOf(NAMELESS, plan);
  const where = factFilter(call.scope, request.organisationPath, { manager: true });
  const counted = await countGroups(deps, groups, { asOf, where, signal: call.signal });
  const { problems, proved } = partitionProblems(groups, counted);
  const shown = problems.flatMap(({ exampleParty }) => (exampleParty === '' ? [] : [exampleParty]));
  await deps.reads.record(call, shown.length > 0 ? shown : 'schemes:check');
  return { problems, proved, ...counted.totals };
}
