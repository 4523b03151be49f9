import { findAttribute } from '../catalogue/catalogue.js';
import type { Comparison, Feature, Operand, Rule } from './tree.js';

const words: Readonly<Record<Comparison, string>> = {
  '==': 'is',
  '!=': 'is not',
  '<': 'is less than',
  '<=': 'is at most',
  '>': 'is more than',
  '>=': 'is at least',
};

const arithmetic = { '+': 'plus', '-': 'minus', '*': 'times', '/': 'divided by' } as const;

/** A feature in words: "number of credits in the last 30 days". */
export function featureWords({ key, args }: Feature): string {
  const spec = findAttribute(key);
  return spec?.words?.(args) ?? key.slice(key.indexOf('.') + 1);
}

/** A value in words; of a date the day as 1994-03-31. */
export function valueWords(type: Operand['type'], value: string | number | boolean): string {
  if (type === 'date') {
    const digits = String(value).padStart(8, '0');
    return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
  }
  return String(value);
}

/** A value of a rule in words; `inside` another it stands in brackets where it is reckoned. */
export function operandWords(operand: Operand, inside = false): string {
  if ('feature' in operand) return featureWords(operand.feature);
  if ('value' in operand) return valueWords(operand.type, operand.value);
  if ('size' in operand) return `number of characters of ${operandWords(operand.size)}`;
  const [left, right] = operand.parts;
  const text = `${operandWords(left, true)} ${arithmetic[operand.op]} ${operandWords(right, true)}`;
  return inside ? `(${text})` : text;
}

function inBrackets(rule: Rule, inside: 'and' | 'or'): string {
  const text = describeRule(rule);
  return (rule.kind === 'and' || rule.kind === 'or') && rule.kind !== inside ? `(${text})` : text;
}

/** The rule in words, for people. */
export function describeRule(rule: Rule): string {
  switch (rule.kind) {
    case 'and':
    case 'or': {
      const { kind } = rule;
      return rule.parts.map((part) => inBrackets(part, kind)).join(` ${kind} `);
    }
    case 'not':
      return `not (${describeRule(rule.part)})`;
    case 'constant':
      return rule.value ? 'everybody' : 'nobody';
    case 'feature':
      return featureWords(rule.feature);
    case 'compare':
      return `${operandWords(rule.left)} ${words[rule.op]} ${operandWords(rule.right)}`;
    case 'in': {
      const values = rule.values.map((value) => valueWords(rule.left.type, value));
      return `${operandWords(rule.left)} is one of ${values.join(', ')}`;
    }
    default:
      return `${operandWords(rule.left)} starts with ${rule.prefix}`;
  }
}
