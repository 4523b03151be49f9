import { type RuleChange, RuleChangeKind } from '@rapport/proto/segmentation/v1';
import { describeRule, featuresOf, type Rule, ruleText } from '../rule/rule.js';

/** A rule with its text. */
export interface Written {
  rule: Rule;
  text: string;
}

const {
  RULE_CHANGE_KIND_KEPT: kept,
  RULE_CHANGE_KIND_ADDED: added,
  RULE_CHANGE_KIND_REMOVED: removed,
  RULE_CHANGE_KIND_CHANGED: changed,
} = RuleChangeKind;

/** What tells parts apart: what they ask, wherever it stands in the text. */
function textOf(rule: Rule): string {
  return JSON.stringify(rule, (key, value: unknown) => (key === 'span' ? undefined : value));
}

/** What a part asks of a party, whatever it wants to hear. */
function questionOf(rule: Rule): string {
  return JSON.stringify([rule.kind === 'not' ? 'not' : '', ...featuresOf(rule)]);
}

/** What it asks about, whatever the window or the filter. */
function topicOf(rule: Rule): string {
  return JSON.stringify([rule.kind === 'not' ? 'not' : '', ...featuresOf(rule).map(({ key }) => key)]);
}

function takeWhere<T>(from: T[], test: (one: T) => boolean): T | undefined {
  const index = from.findIndex(test);
  return index < 0 ? undefined : from.splice(index, 1)[0];
}

/**
 * What became of each part of a rule in another one: kept, added, removed, or changed, which is asking for the same
 * features in another way. Brackets of the same kind in the same place are looked into. In the order of the later rule,
 * what is removed at the end of its brackets. Pure.
 */
export function compareRules(base: Written, compared: Written, within: readonly string[] = []): RuleChange[] {
  const { rule: before } = base;
  const { rule: after } = compared;
  const change = (kind: RuleChangeKind, from: Rule | undefined, to: Rule | undefined): RuleChange => ({
    kind,
    before: from ? describeRule(from) : '',
    after: to ? describeRule(to) : '',
    within: [...within],
    beforeRule: from ? ruleText(from, base.text) : '',
    afterRule: to ? ruleText(to, compared.text) : '',
  });
  if (textOf(before) === textOf(after)) return [change(kept, before, after)];
  const inner = (from: Rule, to: Rule, place: readonly string[]): RuleChange[] =>
    compareRules({ ...base, rule: from }, { ...compared, rule: to }, place);
  if (before.kind === 'not' && after.kind === 'not') return inner(before.part, after.part, [...within, 'not']);
  // A single condition is brackets of one: so a condition that is added to it is told as just that.
  const kind = [before, after].find((rule) => rule.kind === 'and' || rule.kind === 'or')?.kind;
  const partsOf = (rule: Rule): Rule[] =>
    rule.kind === kind && 'parts' in rule ? [...rule.parts] : rule.kind === 'and' || rule.kind === 'or' ? [] : [rule];
  const [old, fresh] = [partsOf(before), partsOf(after)];
  if (kind === undefined || old.length === 0 || fresh.length === 0) {
    if (topicOf(before) === topicOf(after)) return [change(changed, before, after)];
    return [change(added, undefined, after), change(removed, before, undefined)];
  }
  const inside = [...within, kind];
  const pairs = new Map<Rule, Rule>();
  for (const part of fresh) {
    const same = takeWhere(old, (one) => textOf(one) === textOf(part));
    if (same) pairs.set(part, same);
  }
  for (const likeness of [questionOf, topicOf]) {
    for (const part of fresh.filter((one) => !pairs.has(one))) {
      const like = takeWhere(old, (one) => likeness(one) === likeness(part));
      if (like) pairs.set(part, like);
    }
  }
  for (const part of fresh.filter((one) => !pairs.has(one) && 'parts' in one)) {
    const brackets = takeWhere(old, (one) => one.kind === part.kind);
    if (brackets) pairs.set(part, brackets);
  }
  const changes = fresh.flatMap((part) => {
    const from = pairs.get(part);
    return from ? inner(from, part, inside) : [{ ...change(added, undefined, part), within: inside }];
  });
  return [...changes, ...old.map((part) => ({ ...change(removed, part, undefined), within: inside }))];
}
