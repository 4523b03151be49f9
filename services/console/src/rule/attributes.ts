import type { Attribute } from '../api/segmentation.js';
import { AS_TEXT, type Comparand, isTree, type RuleLeaf, type RuleTree, textLeaf } from './tree.js';
import { writeLeaf } from './write-cel.js';

export const operatorsOf = (attribute: Attribute | undefined): string[] => {
  switch (attribute?.type) {
    case 'ATTRIBUTE_TYPE_BOOL':
      return ['is true', 'is false'];
    case 'ATTRIBUTE_TYPE_STRING':
      return attribute.values.length > 0 ? ['==', '!=', 'in', 'not in'] : ['==', '!=', 'in', 'not in', 'startsWith'];
    default:
      return ['==', '!=', '<', '<=', '>', '>='];
  }
};

const kinds: Record<string, 'number' | 'date' | 'none'> = {
  ATTRIBUTE_TYPE_INT: 'number',
  ATTRIBUTE_TYPE_DOUBLE: 'number',
  ATTRIBUTE_TYPE_DATE: 'date',
  ATTRIBUTE_TYPE_BOOL: 'none',
};

/** What a new line of an attribute begins with: something that the rule language accepts. */
export function beginning(attribute: Attribute | undefined): Comparand {
  const kind = kinds[attribute?.type ?? ''] ?? 'string';
  const first = { number: '0', date: '2000-01-01', string: attribute?.values[0] ?? '', none: '' }[kind];
  const args = (attribute?.arguments ?? []).map(({ type, optional, values, name }) => {
    if (optional) return '';
    if (type === 'ATTRIBUTE_TYPE_DURATION') return 'duration("720h")';
    return JSON.stringify(name === 'purpose' ? 'marketing' : (values[0] ?? ''));
  });
  return {
    ...(attribute?.arguments.length ? { args } : {}),
    kind,
    values: kind === 'none' ? [] : [first],
  };
}

/** The arguments as declared, with '' for optional ones that were left out. */
export function alignArguments(attribute: Attribute, args: readonly string[]): string[] {
  let missing = attribute.arguments.length - args.length;
  const rest = [...args];
  return attribute.arguments.map(({ optional }) => {
    if (optional && missing > 0) {
      missing -= 1;
      return '';
    }
    return rest.shift() ?? '';
  });
}

/** The days of `duration("720h")`; undefined when it is something else or no whole number of days. */
export function daysOf(argument: string): number | undefined {
  const match = /^duration\(\s*["'](\d+)h["']\s*\)$/.exec(argument);
  const hours = match ? Number(match[1]) : Number.NaN;
  return hours % 24 === 0 ? hours / 24 : undefined;
}

/** The text of `"credit"`; undefined when it is something else. */
export function textOf(argument: string): string | undefined {
  if (argument === '') return '';
  const match = /^(?:"([^"\\]*)"|'([^'\\]*)')$/.exec(argument);
  return match ? (match[1] ?? match[2]) : undefined;
}

const comparands: Record<string, Comparand['kind'][]> = {
  ATTRIBUTE_TYPE_INT: ['number'],
  ATTRIBUTE_TYPE_DOUBLE: ['number'],
  ATTRIBUTE_TYPE_DATE: ['date'],
  ATTRIBUTE_TYPE_BOOL: ['none'],
};

/** Whether a line has an editor for all that stands in it. */
function fits({ field, operator, value }: RuleLeaf, attribute: Attribute | undefined): boolean {
  if (field === AS_TEXT) return true;
  if (!attribute || !operatorsOf(attribute).includes(operator)) return false;
  const given = (value.args ?? []).filter(Boolean).length;
  const needed = attribute.arguments.filter(({ optional }) => !optional).length;
  if (given > attribute.arguments.length || given < needed) return false;
  return (comparands[attribute.type] ?? ['string']).includes(value.kind);
}

/** The tree with every line as text that the catalogue has no editor for, such as one of an unknown attribute. */
export function withEditors(tree: RuleTree, byKey: ReadonlyMap<string, Attribute>): RuleTree {
  const rules = tree.rules.map((node) => {
    if (isTree(node)) return withEditors(node, byKey);
    if (fits(node, byKey.get(node.field))) return node;
    return { ...node, ...textLeaf(writeLeaf(node)) };
  });
  return { ...tree, rules };
}
