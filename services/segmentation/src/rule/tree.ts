import { type Arguments, findAttribute, type ValueType } from '../catalogue/catalogue.js';

/** A checked attribute with its arguments: a value that every party has or misses. */
export interface Feature {
  key: string;
  args: Arguments;
}

/** A calendar day as one number, 19940331: it sorts as days do, and no day is out of its range. */
export type DayNumber = number;

export type Arithmetic = '+' | '-' | '*' | '/';

/** A value in a rule. That of a date is its day number; numbers are reckoned with as decimals. */
export type Operand =
  | { type: ValueType; feature: Feature }
  | { type: ValueType; value: string | number | boolean }
  | { type: 'number'; op: Arithmetic; parts: readonly [Operand, Operand] }
  /** How many characters a text has. */
  | { type: 'number'; size: Operand };

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** Where a part stands in the text of its rule, in UTF-16 units; `end` is behind it. */
export interface Span {
  start: number;
  end: number;
}

/** A part of a rule that asks one question, with nothing joined or turned around in it. */
export type Leaf = (
  | { kind: 'constant'; value: boolean }
  | { kind: 'feature'; feature: Feature }
  | { kind: 'compare'; op: Comparison; left: Operand; right: Operand }
  | { kind: 'in'; left: Operand; values: readonly (string | number)[] }
  | { kind: 'startsWith'; left: Operand; prefix: string }
) & { span: Span };

/** A rule that was checked: every name is known and every comparison is of like types. */
export type Rule = { kind: 'and' | 'or'; parts: readonly Rule[] } | { kind: 'not'; part: Rule } | Leaf;

/** The rule of the version in use of a segment, as others ask for its members. */
export interface SegmentRule {
  rule: Rule;
  /** The rule as it is written, and the number of its version. */
  text: string;
  version: number;
  /** It takes only parties under it. */
  organisationPath: string;
  /** The day it always looks at, if it has one. */
  asOf?: DayNumber | undefined;
  /** The group of a partition that it is: parties follow from the rule, nothing is assigned. */
  group?: { scheme: string; id: string } | undefined;
}

/** What there is of a scheme, for rules that ask for its groups. */
export interface SchemeGroups {
  /** The ids of the groups of the version in use; undefined when none is. */
  groups: readonly string[] | undefined;
  /** Whether its parties have scores. */
  scored: boolean;
}

/** The versions in use, by the id of their segment. */
export type SegmentRules = ReadonlyMap<string, SegmentRule>;

/** Every leaf of a rule, from left to right. */
export function leavesOf(rule: Rule): Leaf[] {
  switch (rule.kind) {
    case 'and':
    case 'or':
      return rule.parts.flatMap(leavesOf);
    case 'not':
      return leavesOf(rule.part);
    default:
      return [rule];
  }
}

/** The features of a value, as often as they occur. */
export function featuresOfOperand(operand: Operand): Feature[] {
  if ('feature' in operand) return [operand.feature];
  if ('parts' in operand) return operand.parts.flatMap(featuresOfOperand);
  return 'size' in operand ? featuresOfOperand(operand.size) : [];
}

/** The features of a leaf, as often as they occur. */
export function featuresOfLeaf(leaf: Leaf): Feature[] {
  switch (leaf.kind) {
    case 'constant':
      return [];
    case 'feature':
      return [leaf.feature];
    case 'compare':
      return [leaf.left, leaf.right].flatMap(featuresOfOperand);
    default:
      return featuresOfOperand(leaf.left);
  }
}

/** Every feature of a rule, as often as it occurs. */
export function featuresOf(rule: Rule): Feature[] {
  return leavesOf(rule).flatMap(featuresOfLeaf);
}

/** The ids of the segments whose members a rule asks for, each once. */
export function segmentsOf(rule: Rule): string[] {
  const asked = featuresOf(rule).filter(({ key }) => key === 'segment.member');
  return [...new Set(asked.map(({ args }) => String(args['segment'])))];
}

/** The ids of the segments whose rules a rule hangs on: those whose members it asks for, and the groups of partitions. */
export function segmentsAskedBy(rule: Rule, segments: SegmentRules): string[] {
  const schemes = new Set(schemesOf(rule));
  const groups = schemes.size === 0 ? [] : [...segments].filter(([, { group }]) => group && schemes.has(group.scheme));
  return [...new Set([...segmentsOf(rule), ...groups.map(([id]) => id)])];
}

/** The ids of the schemes whose groups or scores a rule asks for, each once. */
export function schemesOf(rule: Rule): string[] {
  const asked = featuresOf(rule).map(({ args }) => args['scheme']);
  return [...new Set(asked.flatMap((scheme) => (scheme === undefined ? [] : [String(scheme)])))];
}

/** The ids of the lists that a rule asks for, each once. */
export function listsOf(rule: Rule): string[] {
  const asked = featuresOf(rule).filter(({ key }) => key === 'list.has');
  return [...new Set(asked.map(({ args }) => String(args['list'])))];
}

/**
 * Whether what a rule says can change with the day alone, without anything happening to a party. That of the segments it
 * asks for is not looked into: `segment.member` counts as dated.
 */
export function isDated(rule: Rule): boolean {
  return featuresOf(rule).some(({ key }) => findAttribute(key)?.dated);
}
