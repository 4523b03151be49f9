import { needsBrackets } from './tokens.js';
import { AS_TEXT, type Comparand, isTree, type RuleLeaf, type RuleTree } from './tree.js';

const constant = (kind: Comparand['kind'], value: string): string => {
  if (kind === 'number') return /^-?\d+(\.\d+)?$/.test(value) ? value : '0';
  return kind === 'date' ? `date(${JSON.stringify(value)})` : JSON.stringify(value);
};

/** An attribute with its arguments as CEL. */
export function writeOperand({ field, value: { args } }: RuleLeaf): string {
  return args ? `${field}(${args.filter(Boolean).join(', ')})` : field;
}

/** One line as CEL; empty for a line as text in which nothing stands. */
export function writeLeaf(leaf: RuleLeaf): string {
  const { kind, values } = leaf.value;
  if (leaf.field === AS_TEXT) return (values[0] ?? '').trim();
  const operand = writeOperand(leaf);
  const first = constant(kind, values[0] ?? '');
  switch (leaf.operator) {
    case 'is true':
      return operand;
    case 'is false':
      return `!${operand}`;
    case 'in':
    case 'not in': {
      const membership = `${operand} in [${values.map((one) => constant(kind, one)).join(', ')}]`;
      return leaf.operator === 'in' ? membership : `!(${membership})`;
    }
    case 'startsWith':
      return `${operand}.startsWith(${first})`;
    default:
      return `${operand} ${leaf.operator} ${first}`;
  }
}

/** The rule of a tree as CEL text; empty for a tree without lines. `readCel` reads it back as the same tree. */
export function writeCel(tree: RuleTree): string {
  const parts = tree.rules
    .map((node) => {
      if (!isTree(node)) {
        const text = writeLeaf(node);
        // `!(…)` brings its own brackets.
        const alone = tree.rules.length === 1;
        return node.field === AS_TEXT && !alone && text !== '' && needsBrackets(text) ? `(${text})` : text;
      }
      const inner = writeCel(node);
      return inner === '' || node.not ? inner : `(${inner})`;
    })
    .filter((part) => part !== '');
  const joined = parts.join(tree.combinator === 'or' ? ' || ' : ' && ');
  return tree.not && joined !== '' ? `!(${joined})` : joined;
}
