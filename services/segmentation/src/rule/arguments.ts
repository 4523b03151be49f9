import { type ArgumentSpec, type AttributeSpec, directions, operations } from '../catalogue/catalogue.js';
import { type Node, RuleError } from './problem.js';
import type { Feature, TransactionFilter } from './tree.js';

type At = (node: Node) => number;

const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  ns: 0.000_001,
};
/** A hundred years: more is a slip of the pen. */
const MAX_WINDOW_MS = 876_600 * 3_600_000;

function invalid(node: Node, at: At, message: string): never {
  throw new RuleError(at(node), 'ARGUMENT_INVALID', message);
}

function textOf(node: Node): string | undefined {
  const { exprKind } = node;
  if (exprKind.case !== 'constExpr' || exprKind.value.constantKind.case !== 'stringValue') return undefined;
  return exprKind.value.constantKind.value;
}

/** Milliseconds of duration("720h"); as in CEL, several units may follow each other. */
function windowOf(node: Node, at: At): number {
  const { exprKind } = node;
  const call = exprKind.case === 'callExpr' && !exprKind.value.target ? exprKind.value : undefined;
  const [argument] = call?.function === 'duration' ? call.args : [];
  const text = argument && call?.args.length === 1 ? textOf(argument) : undefined;
  if (!argument || text === undefined) invalid(node, at, 'Here stands a length of time, as duration("720h").');
  if (!/^(\d+(\.\d+)?(h|ms|m|us|s|ns))+$/.test(text)) invalid(argument, at, 'A length of time is written as "720h".');
  let milliseconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|us|s|ns)/g)) {
    milliseconds += Number(amount) * (unitMs[unit ?? ''] ?? 0);
  }
  if (milliseconds <= 0) invalid(argument, at, 'The length of time must be positive.');
  if (milliseconds > MAX_WINDOW_MS) invalid(argument, at, 'The length of time must not be more than 876600h.');
  return milliseconds;
}

function textArgument(spec: ArgumentSpec, node: Node, at: At): string {
  const text = textOf(node);
  if (text === undefined) invalid(node, at, `The ${spec.name} is a constant text.`);
  if (spec.values && !spec.values.includes(text)) {
    invalid(node, at, `The ${spec.name} is one of ${spec.values.join(', ')}.`);
  }
  if (text === '' || text.length > 100) invalid(node, at, `The ${spec.name} has 1 to 100 characters.`);
  return text;
}

function directionOf(node: Node, at: At): string {
  const text = textOf(node);
  if (text === undefined || !directions.some((one) => one === text)) {
    invalid(node, at, `The direction is one of ${directions.join(', ')}.`);
  }
  return text;
}

function kindsOf(node: Node, at: At): readonly string[] {
  const text = textOf(node);
  const found = text === undefined ? undefined : Object.entries(operations).find(([name]) => name === text)?.[1];
  if (!found) invalid(node, at, `The kind is one of ${Object.keys(operations).join(', ')}.`);
  return found;
}

/** "credit", or a map such as {"direction": "debit", "kind": "card"}. */
function filterOf(node: Node, at: At): TransactionFilter {
  const { exprKind } = node;
  if (exprKind.case !== 'structExpr') return { direction: directionOf(node, at) };
  if (exprKind.value.messageName !== '') invalid(node, at, 'Here stands a direction or a map.');
  const filter: TransactionFilter = {};
  for (const { keyKind, value } of exprKind.value.entries) {
    const key = keyKind.case === 'mapKey' ? textOf(keyKind.value) : undefined;
    if (!value || (key !== 'direction' && key !== 'kind')) {
      invalid(keyKind.case === 'mapKey' ? keyKind.value : node, at, 'The map has the keys direction and kind.');
    }
    if ((key === 'direction' ? filter.direction : filter.operations) !== undefined) {
      invalid(value, at, `${key} stands twice in the map.`);
    }
    if (key === 'direction') filter.direction = directionOf(value, at);
    else filter.operations = kindsOf(value, at);
  }
  return filter;
}

/** Which argument stands where: an optional one in front is left out when the others alone fit. */
function place(spec: AttributeSpec, node: Node, args: readonly Node[], at: At): (Node | undefined)[] {
  const specs = spec.arguments ?? [];
  const required = specs.filter((one) => !one.optional).length;
  if (args.length < required || args.length > specs.length) {
    const shape = specs.map((one) => (one.optional ? `[${one.name}]` : one.name)).join(', ');
    invalid(node, at, `It is written ${spec.key}(${shape}).`);
  }
  let missing = specs.length - args.length;
  const waiting = [...args];
  return specs.map((one) => {
    if (one.optional && missing > 0) {
      missing -= 1;
      return undefined;
    }
    return waiting.shift();
  });
}

/** The checked feature of an attribute with its arguments. Throws RuleError. */
export function readFeature(spec: AttributeSpec, node: Node, args: readonly Node[] | undefined, at: At): Feature {
  const [first, second] = args ? place(spec, node, args, at) : [];
  const specs = spec.arguments ?? [];
  const filter = (): TransactionFilter => (first ? filterOf(first, at) : {});
  switch (spec.key) {
    case 'holdings.count':
      return { key: spec.key, ...(first && specs[0] ? { kind: textArgument(specs[0], first, at) } : {}) };
    case 'tx.count':
    case 'tx.sum':
    case 'tx.average':
      return { key: spec.key, filter: filter(), windowMs: windowOf(second ?? node, at) };
    case 'tx.last_days':
      return { key: spec.key, filter: filter() };
    case 'consent':
      if (!first || !second || !specs[0] || !specs[1])
        return invalid(node, at, 'It is written consent(purpose, channel).');
      return {
        key: spec.key,
        purpose: textArgument(specs[0], first, at),
        channel: textArgument(specs[1], second, at),
      };
    default:
      // The rest has no arguments, and the catalogue knows no other key.
      return { key: spec.key } as Feature;
  }
}
