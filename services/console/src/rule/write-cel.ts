import { type Comparand, isTree, type RuleLeaf, type RuleTree } from './tree.js';

const constant = (kind: Comparand['kind'], value: string): string => {
  if (kind === 'number') return /^-?\d+(\.\d+)?$/.test(value) ? value : '0';
  return kind === 'date' ? `date(${JSON.stringify(value)})` : JSON.stringify(value);
};

function writeLeaf({ field, operator, value }: RuleLeaf): string {
  const { args, kind, values } = value;
  const operand = args ? `${field}(${args.filter(Boolean).join(', ')})` : field;
  const first = constant(kind, values[0] ?? '');
  switch (operator) {
    case 'is true':
      return operand;
    case 'is false':
      return `!${operand}`;
    case 'in':
    case 'not in': {
      const membership = `${operand} in [${values.map((one) => constant(kind, one)).join(', ')}]`;
      return operator === 'in' ? membership : `!(${membership})`;
    }
    case 'startsWith':
      return `${operand}.startsWith(${first})`;
    default:
      return `${operand} ${operator} ${first}`;
  }
}

/** The rule of a tree as CEL text; empty for a tree without lines. `readCel` reads it back as the same tree. */
export function writeCel(tree: RuleTree): string {
  const parts = tree.rules
    .map((node) => {
      if (!isTree(node)) return writeLeaf(node);
      const inner = writeCel(node);
      return inner === '' || node.not ? inner : `(${inner})`;
    })
    .filter((part) => part !== '');
  const joined = parts.join(tree.combinator === 'or' ? ' || ' : ' && ');
  return tree.not && joined !== '' ? `!(${joined})` : joined;
}
