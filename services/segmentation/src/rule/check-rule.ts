import type { CheckRuleRequest, CheckRuleResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { describeRule, featuresOf, readRule } from './rule.js';

/** Gives what is wrong with a rule first, or its description. */
export async function checkRule(_deps: Deps, request: CheckRuleRequest): Promise<CheckRuleResponse> {
  const read = readRule(request.rule);
  if ('problem' in read) return { problem: read.problem, description: '', attributes: [] };
  const attributes = [...new Set(featuresOf(read.rule).map(({ key }) => key))].sort();
  return { problem: undefined, description: describeRule(read.rule), attributes };
}
