import type { CheckRuleRequest, CheckRuleResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { describeRule, featuresOf } from '../rule/rule.js';
import { readRuleInUse } from './segment.js';

/** Gives what is wrong with a rule first, asking for what there is not included, or its description. */
export async function checkRule({ db }: Deps, request: CheckRuleRequest): Promise<CheckRuleResponse> {
  const read = await readRuleInUse(db.system, request.rule);
  if ('problem' in read) return { problem: read.problem, description: '', attributes: [] };
  const attributes = [...new Set(featuresOf(read.rule).map(({ key }) => key))].sort();
  return { problem: undefined, description: describeRule(read.rule), attributes };
}
