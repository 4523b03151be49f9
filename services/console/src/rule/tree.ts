/** What an attribute is compared with. Texts are kept without quotes, days as `1994-03-31`. */
export interface Comparand {
  /** What stands in the brackets of the attribute, each as CEL; undefined for an attribute without brackets. */
  args?: string[];
  /** `text`: the whole condition is the only value, as CEL. */
  kind: 'string' | 'number' | 'date' | 'none' | 'text';
  values: string[];
}

/** One line of the rule builder. */
export interface RuleLeaf {
  id?: string;
  field: string;
  operator: string;
  value: Comparand;
}

/** Lines that must all hold (`and`), or one of which must (`or`). */
export interface RuleTree {
  id?: string;
  combinator: string;
  not?: boolean;
  rules: (RuleTree | RuleLeaf)[];
}

/** The field of a line that is written as text, because it is more than an attribute and what it is compared with. */
export const AS_TEXT = 'text';

/** Whether it is a group of lines. */
export function isTree(node: RuleTree | RuleLeaf): node is RuleTree {
  return 'rules' in node;
}

/** A line that is written as text. */
export function textLeaf(text: string): RuleLeaf {
  return { field: AS_TEXT, operator: 'holds', value: { kind: 'text', values: [text] } };
}
