// What a rule says of a party whose values are known: the same that the compiled conditions say in SQL.
import type { ValueType } from '../catalogue/catalogue.js';
import type { Arithmetic, Comparison, Feature, Operand, Rule } from './tree.js';

/** Whether two constants of one type stand in this order. */
export function compareValues(
  left: string | number | boolean,
  op: Comparison,
  right: string | number | boolean,
): boolean {
  switch (op) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    default:
      return left >= right;
  }
}

/** Reckons with decimals. */
export function reckon(left: number, op: Arithmetic, right: number): number {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    default:
      return left / right;
  }
}

/** The values of a party, each in its place; null is missing, 0 and 1 are the answers of conditions. */
export type Values = readonly (string | number | null)[];

/** Tells in which place the value of an attribute stands. */
export type PlaceOf = (feature: Feature, type: ValueType) => number;

type Value = string | number | boolean | null;

function valueOf(operand: Operand, placeOf: PlaceOf): (values: Values) => Value {
  if ('feature' in operand) {
    const place = placeOf(operand.feature, operand.type);
    if (operand.type !== 'bool') return (values) => values[place] ?? null;
    return (values) => {
      const answer = values[place] ?? null;
      return answer === null ? null : answer === 1;
    };
  }
  if ('value' in operand) return () => operand.value;
  if ('size' in operand) {
    const text = valueOf(operand.size, placeOf);
    return (values) => {
      const known = text(values);
      // In characters, as lengthUTF8 counts them.
      return known === null ? null : [...String(known)].length;
    };
  }
  const [left, right] = operand.parts.map((part) => valueOf(part, placeOf)) as [
    ReturnType<typeof valueOf>,
    ReturnType<typeof valueOf>,
  ];
  return (values) => {
    const [l, r] = [left(values), right(values)];
    // Divided by nothing is not known.
    if (l === null || r === null || (operand.op === '/' && r === 0)) return null;
    return reckon(Number(l), operand.op, Number(r));
  };
}

/**
 * Makes a rule ready to be judged by values; `placeOf` is asked once for each attribute that occurs. A comparison with
 * what is missing does not hold. Pure.
 */
export function verdictOf(rule: Rule, placeOf: PlaceOf): (values: Values) => boolean {
  switch (rule.kind) {
    case 'and': {
      const parts = rule.parts.map((part) => verdictOf(part, placeOf));
      return (values) => parts.every((part) => part(values));
    }
    case 'or': {
      const parts = rule.parts.map((part) => verdictOf(part, placeOf));
      return (values) => parts.some((part) => part(values));
    }
    case 'not': {
      const part = verdictOf(rule.part, placeOf);
      return (values) => !part(values);
    }
    case 'constant':
      return () => rule.value;
    case 'feature': {
      const place = placeOf(rule.feature, 'bool');
      return (values) => values[place] === 1;
    }
    case 'compare': {
      const [left, right] = [valueOf(rule.left, placeOf), valueOf(rule.right, placeOf)];
      return (values) => {
        const [l, r] = [left(values), right(values)];
        return l !== null && r !== null && compareValues(l, rule.op, r);
      };
    }
    case 'in': {
      const left = valueOf(rule.left, placeOf);
      const wanted = new Set<Value>(rule.values);
      return (values) => wanted.has(left(values));
    }
    default: {
      const left = valueOf(rule.left, placeOf);
      return (values) => {
        const text = left(values);
        return text !== null && String(text).startsWith(rule.prefix);
      };
    }
  }
}
