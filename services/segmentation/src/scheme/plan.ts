import { SchemeKind, type GroupTitle, type SchemePlan } from '@rapport/proto/segmentation/v1';
import { type Problem, readRule, schemesOf } from '../rule/rule.js';
import { readNumber } from '../scan/scan.js';
import { rfmGroups } from '../rfm/rfm.js';

/** Something that is wrong with a plan by itself, whatever the parties are. */
export interface PlanProblem {
  field: string;
  reason: 'PLAN_INVALID' | 'RULE_INVALID';
  message: string;
}

/** A group with the rule of its segment. */
export interface Group {
  title: GroupTitle;
  rule: string;
}

/** The kind of the scheme that a plan is for. */
export function kindOf(plan: SchemePlan): SchemeKind {
  switch (plan.kind?.$case) {
    case 'bands':
    case 'rules':
      return SchemeKind.SCHEME_KIND_PARTITION;
    case 'tiers':
      return SchemeKind.SCHEME_KIND_TIERS;
    case 'rfm':
      return SchemeKind.SCHEME_KIND_RFM;
    case 'clusters':
      return SchemeKind.SCHEME_KIND_CLUSTERS;
    case 'lookalike':
      return SchemeKind.SCHEME_KIND_LOOKALIKE;
    default:
      return SchemeKind.SCHEME_KIND_UNSPECIFIED;
  }
}

/** Whether parties are assigned by a scan; the groups of a partition are plain rules. */
export function isComputed(plan: SchemePlan): boolean {
  return kindOf(plan) !== SchemeKind.SCHEME_KIND_PARTITION;
}

/** Whether a model has to be fitted before anybody can approve the version. */
export function needsModel(plan: SchemePlan): boolean {
  return plan.kind?.$case === 'clusters' || plan.kind?.$case === 'lookalike';
}

/** What is wrong with a rule, in words. */
export function wordsOf({ line, column, message }: Problem): string {
  return `line ${line}, column ${column}: ${message}`;
}

/** A number as CEL writes it. */
function literal(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(12).replace(/0+$/, '');
}

/** The groups of a plan in their order, each with the rule of its segment. Those of clusters follow from the model. */
export function groupsOf(schemeId: string, plan: SchemePlan, clusters: readonly string[] = []): Group[] {
  const assigned = (title: GroupTitle | undefined): Group[] =>
    title ? [{ title, rule: `scheme.group("${schemeId}") == "${title.groupId}"` }] : [];
  switch (plan.kind?.$case) {
    case 'bands': {
      const { feature, bands, missing } = plan.kind.value;
      // No number is neither equal to another nor different from it.
      const none = `!(${feature} == ${literal(bands[1]?.from ?? 1)}) && !(${feature} != ${literal(bands[1]?.from ?? 1)})`;
      const groups = bands.flatMap((band, index) => {
        const next = bands[index + 1]?.from;
        const parts = [
          ...(band.from === undefined ? [] : [`${feature} >= ${literal(band.from)}`]),
          ...(next === undefined ? [] : [`${feature} < ${literal(next)}`]),
        ];
        // A single band takes every number there is.
        const rule = parts.length > 0 ? parts.join(' && ') : missing ? `!(${none})` : 'true';
        return band.group ? [{ title: band.group, rule }] : [];
      });
      return missing ? [...groups, { title: missing, rule: none }] : groups;
    }
    case 'rules': {
      const { groups, otherwise } = plan.kind.value;
      const named = groups.flatMap(({ group, rule }) => (group ? [{ title: group, rule }] : []));
      const rest = named.map(({ rule }) => `!(${rule})`).join(' && ');
      return otherwise ? [...named, { title: otherwise, rule: rest }] : named;
    }
    case 'tiers':
      return plan.kind.value.tiers.flatMap(({ group }) => assigned(group));
    case 'rfm':
      return rfmGroups(plan.kind.value).flatMap(({ title }) => assigned(title));
    case 'clusters':
      return clusters.flatMap((groupId) =>
        assigned({ groupId, title: `Cluster ${groupId.slice(1)}`, titleZh: `客群 ${groupId.slice(1)}` }),
      );
    case 'lookalike':
      return assigned({ groupId: 'similar', title: 'Look-alikes', titleZh: '相似客户' });
    default:
      return [];
  }
}

/** The rules that people wrote into a plan, each with its field. */
export function rulesIn(plan: SchemePlan): { field: string; rule: string }[] {
  const { kind } = plan;
  if (kind?.$case === 'rules')
    return kind.value.groups.map(({ rule }, index) => ({ field: `rules.groups[${index}].rule`, rule }));
  return kind?.$case === 'lookalike' ? [{ field: 'lookalike.seed_rule', rule: kind.value.seedRule }] : [];
}

function* numberProblems(field: string, text: string): Iterable<PlanProblem> {
  const read = readNumber(text);
  if ('problem' in read) yield { field, reason: 'RULE_INVALID', message: read.problem };
}

function* ruleProblems(field: string, text: string, schemeId: string): Iterable<PlanProblem> {
  const read = readRule(text);
  if ('problem' in read) yield { field, reason: 'RULE_INVALID', message: wordsOf(read.problem) };
  else if (schemesOf(read.rule).includes(schemeId)) {
    yield { field, reason: 'RULE_INVALID', message: 'A scheme does not ask for its own groups.' };
  }
}

const invalid = (field: string, message: string): PlanProblem => ({ field, reason: 'PLAN_INVALID', message });

function* tierProblems(plan: Extract<SchemePlan['kind'], { $case: 'tiers' }>['value']): Iterable<PlanProblem> {
  yield* numberProblems('tiers.assets', plan.assets);
  if (plan.profit !== '') yield* numberProblems('tiers.profit', plan.profit);
  for (const measure of ['Assets', 'Profit'] as const) {
    let before = { enter: Number.NEGATIVE_INFINITY, keep: Number.NEGATIVE_INFINITY };
    for (const [index, tier] of plan.tiers.entries()) {
      const field = `tiers.tiers[${index}]`;
      const enter = tier[`enter${measure}`];
      const keep = tier[`keep${measure}`] ?? enter;
      if (index === 0) {
        if (enter !== undefined || keep !== undefined) yield invalid(field, 'The lowest tier has no thresholds.');
        continue;
      }
      if (measure === 'Profit' && plan.profit === '' && enter !== undefined) {
        yield invalid(field, 'A threshold of profit needs the measure of profit.');
      }
      if (measure === 'Assets' && enter === undefined && tier.enterProfit === undefined) {
        yield invalid(field, 'A tier above the lowest needs a threshold.');
      }
      if (enter === undefined) {
        if (keep !== undefined) yield invalid(field, 'What keeps a party in a tier needs what brings it there.');
        continue;
      }
      if (keep !== undefined && keep > enter)
        yield invalid(field, 'What keeps in a tier is at most what brings there.');
      if (enter <= before.enter || (keep ?? enter) < before.keep) {
        yield invalid(field, 'Thresholds rise from tier to tier.');
      }
      before = { enter, keep: keep ?? enter };
    }
  }
}

/** What is wrong with a plan by itself. Whether a partition is one is proved elsewhere. */
export function planProblems(schemeId: string, plan: SchemePlan): PlanProblem[] {
  const problems: PlanProblem[] = [];
  const kind = plan.kind;
  switch (kind?.$case) {
    case 'bands': {
      const { feature, bands, missing } = kind.value;
      const read = readNumber(feature);
      problems.push(...numberProblems('bands.feature', feature));
      bands.forEach(({ from }, index) => {
        const before = bands[index - 1]?.from ?? Number.NEGATIVE_INFINITY;
        if (index === 0 ? from !== undefined : from === undefined || from <= before) {
          const message = index === 0 ? 'The first band has no beginning.' : 'Each band begins above the one before.';
          problems.push(invalid(`bands.bands[${index}].from`, message));
        }
      });
      if (!('problem' in read) && read.missing !== (missing !== undefined)) {
        const message = read.missing
          ? 'This number can be missing: name the group of those who have none.'
          : 'This number is never missing: its group would stay empty.';
        problems.push(invalid('bands.missing', message));
      }
      break;
    }
    case 'rules':
      kind.value.groups.forEach(({ rule }, index) => {
        problems.push(...ruleProblems(`rules.groups[${index}].rule`, rule, schemeId));
      });
      break;
    case 'tiers':
      problems.push(...tierProblems(kind.value));
      break;
    case 'rfm':
      for (const measure of ['recency', 'frequency', 'monetary'] as const) {
        if (kind.value[measure] !== '') problems.push(...numberProblems(`rfm.${measure}`, kind.value[measure]));
      }
      for (let recency = 1; recency <= 5; recency += 1) {
        for (let value = 1; value <= 5; value += 1) {
          const fits = rfmGroups(kind.value).some(
            ({ cells }) =>
              cells &&
              recency >= cells.recencyFrom &&
              recency <= cells.recencyTo &&
              value >= cells.valueFrom &&
              value <= cells.valueTo,
          );
          if (!fits) problems.push(invalid('rfm.groups', `Recency ${recency} with value ${value} is in no group.`));
        }
      }
      break;
    case 'clusters':
      kind.value.features.forEach((text, index) => {
        problems.push(...numberProblems(`clusters.features[${index}]`, text));
      });
      if (kind.value.clusters === 1) problems.push(invalid('clusters.clusters', 'There are at least 2 clusters.'));
      if (kind.value.sampleSize > 0 && kind.value.sampleSize < 100) {
        problems.push(invalid('clusters.sample_size', 'A sample has at least 100 parties.'));
      }
      break;
    case 'lookalike':
      problems.push(...ruleProblems('lookalike.seed_rule', kind.value.seedRule, schemeId));
      kind.value.features.forEach((text, index) => {
        problems.push(...numberProblems(`lookalike.features[${index}]`, text));
      });
      break;
    default:
  }
  if (problems.length > 0) return problems;
  const groups = groupsOf(schemeId, plan);
  const ids = groups.map(({ title }) => title.groupId);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) problems.push(invalid(kind?.$case ?? '', `The group ${twice} stands there twice.`));
  for (const { title, rule } of groups) {
    for (const { message } of kindOf(plan) === SchemeKind.SCHEME_KIND_PARTITION
      ? ruleProblems('', rule, schemeId)
      : []) {
      problems.push(invalid(kind?.$case ?? '', `The rule of the group ${title.groupId} is not sound: ${message}`));
    }
  }
  return problems;
}
