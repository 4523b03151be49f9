import type { Call } from '@rapport/kit/rpc';
import type { CheckSchemeRequest, CheckSchemeResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { factFilter } from '../fact/fact.js';
import { countGroups, partitionProblems } from '../partition/partition.js';
import { requestedDay, today } from '../segment/segment.js';
import { groupsOf, isComputed } from './plan.js';
import { planProblemsInUse } from './sound.js';

/** Stands for the id that the scheme will have; no rule of a partition names it. */
const NAMELESS = 'scheme';

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
  if (faults.length > 0 || isComputed(plan)) {
    const problems = faults.map((fault) => ({ ...fault, groups: [], exampleParty: '', example: '' }));
    return { problems, ...none };
  }
  const groups = groupsOf(NAMELESS, plan);
  const where = factFilter(call.scope, request.organisationPath, { manager: true });
  const counted = await countGroups(deps, groups, { asOf, where, signal: call.signal });
  const { problems, proved } = partitionProblems(groups, counted);
  const shown = problems.flatMap(({ exampleParty }) => (exampleParty === '' ? [] : [exampleParty]));
  await deps.reads.record(call, shown.length > 0 ? shown : 'schemes:check');
  return { problems, proved, ...counted.totals };
}
