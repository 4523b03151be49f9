import type { ValueType } from '../catalogue/catalogue.js';
import { type Node, RuleError } from './problem.js';
import type { DayNumber } from './tree.js';

/** A constant of a rule; a date is its day number. */
export interface Constant {
  type: ValueType;
  value: string | number | boolean;
}

/** The day number of a written day, or undefined when there is no such day. */
export function dayNumber(year: number, month: number, day: number): DayNumber | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists && year >= 1 && year <= 9999 ? year * 10_000 + month * 100 + day : undefined;
}

const written = {
  date: /^(\d{4})-(\d{2})-(\d{2})$/,
  timestamp: /^(\d{4})-(\d{2})-(\d{2})T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/,
};

/** Of date("…") and timestamp("…") the day as it is written. */
function dayOf(name: 'date' | 'timestamp', args: readonly Node[], node: Node, at: (node: Node) => number): Constant {
  const [argument] = args;
  const kind = argument?.exprKind;
  const example = name === 'date' ? 'date("1994-03-31")' : 'timestamp("1994-03-31T00:00:00Z")';
  if (!argument || args.length !== 1 || kind?.case !== 'constExpr' || kind.value.constantKind.case !== 'stringValue') {
    throw new RuleError(at(node), 'ARGUMENT_INVALID', `A day is written as ${example}.`);
  }
  const match = written[name].exec(kind.value.constantKind.value);
  const value = match ? dayNumber(Number(match[1]), Number(match[2]), Number(match[3])) : undefined;
  if (value === undefined) throw new RuleError(at(argument), 'ARGUMENT_INVALID', `This is no day; write ${example}.`);
  return { type: 'date', value };
}

/** Larger numbers are rounded on their way, and the endless ones have no form in which the store takes them. */
function numberOf(value: number, node: Node, at: (node: Node) => number): Constant {
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return { type: 'number', value };
  throw new RuleError(at(node), 'ARGUMENT_INVALID', `A number is at most ${Number.MAX_SAFE_INTEGER}.`);
}

/** The constant that a node is, or undefined when it is something else. Throws RuleError for one no rule can use. */
export function constantOf(node: Node, at: (node: Node) => number): Constant | undefined {
  const { exprKind } = node;
  if (exprKind.case === 'callExpr' && !exprKind.value.target) {
    const { function: name, args } = exprKind.value;
    return name === 'date' || name === 'timestamp' ? dayOf(name, args, node, at) : undefined;
  }
  if (exprKind.case === 'listExpr' || exprKind.case === 'structExpr') {
    throw new RuleError(at(node), 'TYPE_MISMATCH', 'A list stands after in only, a map in brackets only.');
  }
  if (exprKind.case !== 'constExpr') return undefined;
  const { constantKind } = exprKind.value;
  switch (constantKind.case) {
    case 'int64Value':
    case 'uint64Value':
    case 'doubleValue':
      return numberOf(Number(constantKind.value), node, at);
    case 'stringValue':
      return { type: 'string', value: constantKind.value };
    case 'boolValue':
      return { type: 'bool', value: constantKind.value };
    default:
      throw new RuleError(at(node), 'TYPE_MISMATCH', 'Neither null nor bytes can be compared.');
  }
}
