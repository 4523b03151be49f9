import { covers, type Queryable, sql } from '@rapport/kit/db';
import { PartyKind, SurvivorshipCriterion, type SurvivorshipRule } from '@rapport/proto/customer/v1';
import { pathsOf } from '../party/party.js';
import { type Criterion, defaultCriteria } from './survivorship.js';

/** A rule of a part of the bank. */
export interface Rule {
  organisationPath: string;
  path: string;
  criteria: Criterion[];
  updateTime: Date;
}

/** The criteria of the contract, as they are stored. */
export const criterionNames: Partial<Record<SurvivorshipCriterion, Criterion>> = {
  [SurvivorshipCriterion.SURVIVORSHIP_CRITERION_PRIORITY]: 'priority',
  [SurvivorshipCriterion.SURVIVORSHIP_CRITERION_RECENCY]: 'recency',
  [SurvivorshipCriterion.SURVIVORSHIP_CRITERION_COMPLETENESS]: 'completeness',
};

const criteria: Record<Criterion, SurvivorshipCriterion> = {
  priority: SurvivorshipCriterion.SURVIVORSHIP_CRITERION_PRIORITY,
  recency: SurvivorshipCriterion.SURVIVORSHIP_CRITERION_RECENCY,
  completeness: SurvivorshipCriterion.SURVIVORSHIP_CRITERION_COMPLETENESS,
};

/** Every rule of the bank: a few for each part of the organisation that has its own. */
export function readRules(on: Queryable): Promise<Rule[]> {
  return on.rows<Rule>(sql`
    SELECT organisation_path AS "organisationPath", path, criteria, update_time AS "updateTime" FROM survivorship_rule`);
}

/** The rule that decides a field at a place: that of the nearest part of the organisation which has set one. */
function ruleAt(rules: readonly Rule[], place: string, path: string): Rule | undefined {
  return rules
    .filter((rule) => rule.path === path && covers(rule.organisationPath, place))
    .reduce<Rule | undefined>(
      (best, rule) => (best && best.organisationPath.length >= rule.organisationPath.length ? best : rule),
      undefined,
    );
}

/** The order of criteria at a place. */
export function criteriaAt(rules: readonly Rule[], place: string): (path: string) => readonly Criterion[] {
  return (path) => ruleAt(rules, place, path)?.criteria ?? defaultCriteria(path);
}

/** Where a party stands and how is not a matter of sources. */
const notDecided = ['organisation_path', 'relationship_manager', 'state'];

/** The rule of each field at a place. */
export function rulesAt(rules: readonly Rule[], place: string): SurvivorshipRule[] {
  const kinds = [PartyKind.PARTY_KIND_PERSON, PartyKind.PARTY_KIND_ORGANISATION];
  const paths = [...new Set(kinds.flatMap(pathsOf))].filter((path) => !notDecided.includes(path));
  return paths.map((path) => {
    const rule = ruleAt(rules, place, path);
    return {
      organisationPath: rule?.organisationPath ?? '',
      path,
      criteria: (rule?.criteria ?? defaultCriteria(path)).map((criterion) => criteria[criterion]),
      updateTime: rule?.updateTime,
    };
  });
}
