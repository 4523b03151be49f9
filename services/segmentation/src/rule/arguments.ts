import type { Argument, Arguments, ArgumentSpec, AttributeSpec, Filter } from '../catalogue/catalogue.js';
import { type Node, RuleError } from './problem.js';

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

function numberOf(node: Node): number | undefined {
  const kind = node.exprKind.case === 'constExpr' ? node.exprKind.value.constantKind : undefined;
  if (kind?.case !== 'int64Value' && kind?.case !== 'uint64Value' && kind?.case !== 'doubleValue') return undefined;
  return Number(kind.value);
}

function isDuration({ exprKind }: Node): boolean {
  return exprKind.case === 'callExpr' && !exprKind.value.target && exprKind.value.function === 'duration';
}

/** Milliseconds of duration("720h"); as in CEL, several units may follow each other. */
function windowOf(node: Node, at: At): number {
  const call = node.exprKind.case === 'callExpr' && isDuration(node) ? node.exprKind.value : undefined;
  const [argument] = call?.args ?? [];
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

/** What stands behind a key of a map: the words that it stands for, or a number. */
function filterValue(spec: ArgumentSpec, key: string, node: Node, at: At): readonly string[] | number {
  const { values, number } = spec.keys?.[key] ?? {};
  if (number) {
    const value = numberOf(node);
    if (value === undefined || Math.abs(value) > Number.MAX_SAFE_INTEGER) invalid(node, at, `${key} is a number.`);
    return value;
  }
  const text = textOf(node);
  if (values) {
    const found = text === undefined ? undefined : Object.entries(values).find(([word]) => word === text)?.[1];
    if (!found) invalid(node, at, `The ${key} is one of ${Object.keys(values).join(', ')}.`);
    return found;
  }
  if (text === undefined || text === '' || text.length > 100) {
    invalid(node, at, `The ${key} is a text of 1 to 100 characters.`);
  }
  return [text];
}

/** A map such as {"direction": "debit", "kind": "card"}, or a text for the key that it stands for. */
function filterOf(spec: ArgumentSpec, node: Node, at: At): Filter {
  const { exprKind } = node;
  const keys = Object.keys(spec.keys ?? {});
  if (exprKind.case !== 'structExpr' || exprKind.value.messageName !== '') {
    if (!spec.short) invalid(node, at, `Here stands a map with the keys ${keys.join(', ')}.`);
    return { [spec.short]: filterValue(spec, spec.short, node, at) };
  }
  const filter: Record<string, readonly string[] | number> = {};
  for (const { keyKind, value } of exprKind.value.entries) {
    const key = keyKind.case === 'mapKey' ? textOf(keyKind.value) : undefined;
    if (!value || key === undefined || !keys.includes(key)) {
      invalid(keyKind.case === 'mapKey' ? keyKind.value : node, at, `The map has the keys ${keys.join(', ')}.`);
    }
    if (key in filter) invalid(value, at, `${key} stands twice in the map.`);
    filter[key] = filterValue(spec, key, value, at);
  }
  // In the order of the catalogue, so that the same question is asked once however it is written.
  return Object.fromEntries(keys.flatMap((key) => (filter[key] === undefined ? [] : [[key, filter[key]]])));
}

/** Which argument stands where. An optional one is left out when what stands there is not of its kind. */
function place(spec: AttributeSpec, node: Node, args: readonly Node[], at: At): (Node | undefined)[] {
  const specs = spec.arguments ?? [];
  const waiting = [...args];
  const placed = specs.map((one, index) => {
    const [next] = waiting;
    if (!next) return undefined;
    const required = specs.slice(index + 1).filter((other) => !other.optional).length;
    const fits = (one.type === 'duration') === isDuration(next) && waiting.length > required;
    return !one.optional || fits ? waiting.shift() : undefined;
  });
  if (waiting.length > 0 || specs.some((one, index) => !one.optional && !placed[index])) {
    const shape = specs.map((one) => (one.optional ? `[${one.name}]` : one.name)).join(', ');
    invalid(node, at, `It is written ${spec.key}(${shape}).`);
  }
  return placed;
}

/** The checked arguments of an attribute. Throws RuleError. */
export function readArguments(spec: AttributeSpec, node: Node, args: readonly Node[] | undefined, at: At): Arguments {
  const placed = args ? place(spec, node, args, at) : [];
  const read: Record<string, Argument> = {};
  (spec.arguments ?? []).forEach((one, index) => {
    const argument = placed[index];
    if (!argument) return;
    if (one.type === 'duration') read[one.name] = windowOf(argument, at);
    else if (one.type === 'filter') read[one.name] = filterOf(one, argument, at);
    else read[one.name] = textArgument(one, argument, at);
  });
  const fault = spec.fault?.(read);
  if (fault !== undefined) invalid(node, at, fault);
  return read;
}
