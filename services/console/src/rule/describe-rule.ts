import type { Attribute } from '../api/segmentation.js';
import { alignArguments, daysOf, textOf } from './attributes.js';
import { AS_TEXT, isTree, type RuleLeaf, type RuleTree } from './tree.js';
import { writeLeaf } from './write-cel.js';

/** How things are called in the language of the reader. */
export interface Naming {
  t(key: string, values?: Record<string, string>): string;
  /** The word for a code, such as a value or an operator. */
  code(value: string): string;
  /** What an attribute is called. */
  attribute(key: string): string;
  unit(attribute: Attribute): string;
  number(value: string): string;
  day(value: string): string;
}

type Catalogue = ReadonlyMap<string, Attribute>;

/** What stands in the brackets of an attribute, in words. */
function argumentWords(argument: string, naming: Naming): string {
  const days = daysOf(argument);
  if (days !== undefined) return naming.t('describe.window', { days: String(days) });
  const text = textOf(argument);
  if (text !== undefined) return naming.code(text);
  // A map such as {"direction": "debit", "kind": "card"}: its values say what is meant.
  const values = [...argument.matchAll(/:\s*"([^"]*)"/g)].map(([, value = '']) => naming.code(value));
  return values.length > 0 ? values.join(naming.t('describe.comma')) : argument;
}

/** The attribute of a line with what stands in its brackets, in words. */
export function describeOperand({ field, value }: RuleLeaf, catalogue: Catalogue, naming: Naming): string {
  const attribute = catalogue.get(field);
  const given = attribute ? alignArguments(attribute, value.args ?? []) : (value.args ?? []);
  const args = given.filter(Boolean).map((one) => argumentWords(one, naming));
  const what = naming.attribute(field);
  return args.length > 0 ? naming.t('describe.of', { what, args: args.join(naming.t('describe.comma')) }) : what;
}

function valueWords({ field, value }: RuleLeaf, catalogue: Catalogue, naming: Naming): string {
  const attribute = catalogue.get(field);
  const unit = attribute ? naming.unit(attribute) : '';
  const words = value.values.map((one) => {
    if (value.kind === 'date') return naming.day(one);
    return value.kind === 'number' ? naming.number(one) : naming.code(one);
  });
  const list = words.join(naming.t('describe.comma'));
  return unit ? naming.t('describe.unit', { value: list, unit }) : list;
}

/** One line in words of the reader's language. */
export function describeLeaf(leaf: RuleLeaf, catalogue: Catalogue, naming: Naming): string {
  if (leaf.field === AS_TEXT) return writeLeaf(leaf);
  const what = describeOperand(leaf, catalogue, naming);
  const operator = naming.code(leaf.operator);
  if (leaf.value.kind === 'none') return naming.t('describe.flag', { what, value: operator });
  return naming.t('describe.compare', { what, operator, value: valueWords(leaf, catalogue, naming) });
}

/** A rule in words of the reader's language. Lines as text stay as they are written. */
export function describeRule(tree: RuleTree, catalogue: Catalogue, naming: Naming): string {
  const parts = tree.rules.map((node) => {
    if (!isTree(node)) return describeLeaf(node, catalogue, naming);
    const inner = describeRule(node, catalogue, naming);
    return node.not || node.rules.length < 2 ? inner : naming.t('describe.brackets', { rule: inner });
  });
  const joined = parts.join(naming.t(tree.combinator === 'or' ? 'describe.or' : 'describe.and'));
  return tree.not ? naming.t('describe.not', { rule: joined }) : joined;
}
