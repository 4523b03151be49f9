import { type Argument, type AttributeSpec, declaredValue, findAttribute, isPrefix } from '../catalogue/catalogue.js';
import { readArguments } from './arguments.js';
import { constantOf, type Constant } from './constant.js';
import { impossiblePart } from './possible.js';
import { type Node, RuleError, startOf } from './problem.js';
import {
  type Arithmetic,
  type Comparison,
  type Operand,
  type Rule,
  type SegmentRules,
  type SchemeGroups,
  segmentsAskedBy,
  type Span,
} from './tree.js';
import { compareValues, reckon } from './verdict.js';

const comparisons: Readonly<Record<string, Comparison>> = {
  '_==_': '==',
  '_!=_': '!=',
  '_<_': '<',
  '_<=_': '<=',
  '_>_': '>',
  '_>=_': '>=',
};

const arithmetics: Readonly<Record<string, Arithmetic>> = { '_+_': '+', '_-_': '-', '_*_': '*', '_/_': '/' };

/** What is in the text for a comparison seen from the other side. */
const mirrored: Readonly<Record<Comparison, Comparison>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/** An operand with what is needed to check it against the other one. */
interface Side {
  operand: Operand;
  node: Node;
  spec?: AttributeSpec;
}

/** What a rule may ask for beside the catalogue. */
export interface Surroundings {
  /** The segments in use; undefined: every id is taken as it stands. */
  segments?: SegmentRules | undefined;
  /** The schemes that there are; undefined: every id is taken as it stands. */
  schemes?: ReadonlyMap<string, SchemeGroups> | undefined;
  /** The lists that there are; undefined: every id is taken as it stands. */
  lists?: ReadonlySet<string> | undefined;
  /** The segment that the rule is of, which it must not ask for, nor may any that it asks for. */
  self?: string | undefined;
}

/** The way by which a segment asks for another in the end; undefined when it does not. */
function wayTo(wanted: string, from: string, segments: SegmentRules, seen: ReadonlySet<string>): string[] | undefined {
  if (from === wanted) return [from];
  const found = segments.get(from);
  if (!found || seen.has(from)) return undefined;
  for (const next of segmentsAskedBy(found.rule, segments)) {
    const way = wayTo(wanted, next, segments, new Set([...seen, from]));
    if (way) return [from, ...way];
  }
  return undefined;
}

/** Where the parts of a text stand, and what it may ask for. */
interface Place {
  positions: Readonly<Record<string, number>>;
  /** Where a part stands. */
  spanOf: (node: Node) => Span;
  around?: Surroundings;
}

/** Checks the parsed tree of a condition against the catalogue. Throws RuleError at the first fault. */
export function check(root: Node, place: Place): Rule {
  const rule = checker(place).condition(root);
  const impossible = impossiblePart(rule);
  if (impossible) throw new RuleError(impossible.span.start, 'IMPOSSIBLE', impossible.message);
  return rule;
}

/** The same for the parsed tree of a value, such as an attribute or a sum of two. */
export function checkValue(root: Node, place: Place): Operand {
  return checker(place).side(root).operand;
}

function checker({ positions, spanOf, around: { segments, schemes, lists, self } = {} }: Place): {
  condition: (node: Node) => Rule;
  side: (node: Node) => Side;
} {
  const at = (node: Node): number => startOf(node, positions);

  function fail(node: Node, reason: RuleError['reason'], message: string): never {
    throw new RuleError(at(node), reason, message);
  }

  /** The attribute that a node names, or undefined when it is something else. Throws for an unknown one. */
  function attributeOf(node: Node): { spec: AttributeSpec; args: readonly Node[] | undefined } | undefined {
    const { exprKind } = node;
    if (exprKind.case === 'identExpr') {
      const { name } = exprKind.value;
      if (findAttribute(name)) fail(node, 'ARGUMENT_INVALID', `${name} needs brackets.`);
      fail(node, 'ATTRIBUTE_UNKNOWN', `${name} is no attribute.`);
    }
    if (exprKind.case === 'selectExpr') {
      const { operand, field, testOnly } = exprKind.value;
      if (testOnly) fail(node, 'FUNCTION_UNKNOWN', 'has is not part of the rule language.');
      const key = operand?.exprKind.case === 'identExpr' ? `${operand.exprKind.value.name}.${field}` : undefined;
      const spec = key === undefined ? undefined : findAttribute(key);
      if (!spec) fail(node, 'ATTRIBUTE_UNKNOWN', `${key ?? `….${field}`} is no attribute.`);
      if (spec.arguments) fail(node, 'ARGUMENT_INVALID', `${spec.key} needs brackets.`);
      return { spec, args: undefined };
    }
    if (exprKind.case !== 'callExpr') return undefined;
    const { target, function: name, args } = exprKind.value;
    const owner = target?.exprKind.case === 'identExpr' ? target.exprKind.value.name : undefined;
    const key = target === undefined ? name : owner === undefined ? undefined : `${owner}.${name}`;
    const spec = key === undefined ? undefined : findAttribute(key);
    if (spec) {
      if (!spec.arguments) fail(node, 'ARGUMENT_INVALID', `${spec.key} is written without brackets.`);
      return { spec, args };
    }
    if (owner !== undefined && isPrefix(owner)) fail(node, 'ATTRIBUTE_UNKNOWN', `${owner}.${name} is no attribute.`);
    return undefined;
  }

  function side(node: Node): Side {
    const constant = constantOf(node, at);
    if (constant) return { operand: constant, node };
    const { exprKind } = node;
    if (exprKind.case === 'callExpr' && !exprKind.value.target) {
      const { function: name, args } = exprKind.value;
      const op = arithmetics[name];
      const [first, second] = args;
      if (op && first && second) return arithmetic(node, op, side(first), side(second));
      if (name === '-_' && first) {
        return arithmetic(node, '-', { operand: { type: 'number', value: 0 }, node }, side(first));
      }
      if (name === 'size') return sizeOf(node, args);
    }
    const found = attributeOf(node);
    if (found) {
      const args = readArguments(found.spec, node, found.args, at);
      if (found.spec.key === 'segment.member') checkMember(node, String(args['segment']));
      checkScheme(node, found.spec.key, args['scheme']);
      if (found.spec.key === 'list.has') checkList(node, String(args['list']));
      return { operand: { type: found.spec.type, feature: { key: found.spec.key, args } }, node, spec: found.spec };
    }
    if (exprKind.case === 'callExpr') unknownFunction(node, exprKind.value.function);
    return fail(node, 'TYPE_MISMATCH', 'Here stands neither an attribute nor a constant.');
  }

  function arithmetic(node: Node, op: Arithmetic, left: Side, right: Side): Side {
    for (const { operand, node: part } of [left, right]) {
      if (operand.type !== 'number')
        fail(part, 'TYPE_MISMATCH', `A ${operand.type} is not reckoned with, only numbers.`);
    }
    const { operand: l } = left;
    const { operand: r } = right;
    if (op === '/' && 'value' in r && r.value === 0) fail(right.node, 'ARGUMENT_INVALID', 'Nothing is divided by 0.');
    if ('value' in l && 'value' in r) {
      const value = reckon(Number(l.value), op, Number(r.value));
      if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return { operand: { type: 'number', value }, node };
      fail(node, 'ARGUMENT_INVALID', `A number is at most ${Number.MAX_SAFE_INTEGER}.`);
    }
    return { operand: { type: 'number', op, parts: [l, r] }, node };
  }

  function sizeOf(node: Node, args: readonly Node[]): Side {
    const [argument] = args;
    if (!argument || args.length !== 1) fail(node, 'ARGUMENT_INVALID', 'size takes one text.');
    const { operand } = side(argument);
    if (operand.type !== 'string') fail(argument, 'TYPE_MISMATCH', 'Only a text has a size here.');
    if ('value' in operand) return { operand: { type: 'number', value: [...String(operand.value)].length }, node };
    return { operand: { type: 'number', size: operand }, node };
  }

  function checkScheme(node: Node, key: string, scheme: Argument | undefined): void {
    if (scheme === undefined || !schemes) return;
    const id = String(scheme);
    const found = schemes.get(id);
    if (!found) fail(node, 'ARGUMENT_INVALID', `There is no scheme ${id}; create it first, or mend its id.`);
    if (!found.groups) fail(node, 'ARGUMENT_INVALID', `The scheme ${id} is not in use; publish it first.`);
    if (key === 'scheme.score' && !found.scored) {
      fail(node, 'ARGUMENT_INVALID', `The scheme ${id} is a partition, which gives no scores.`);
    }
    for (const [segment, { group }] of segments ?? []) if (group?.scheme === id) checkCircle(node, segment);
  }

  /** The group that a constant names, or begins, has to be one that the scheme on the other side has. */
  function checkGroup(node: Node, operand: Operand, value: Constant['value'], begins = false): void {
    if (!('feature' in operand) || operand.feature.key !== 'scheme.group') return;
    const id = String(operand.feature.args['scheme']);
    const groups = schemes?.get(id)?.groups;
    if (!groups || groups.some((group) => group === value || (begins && group.startsWith(String(value))))) return;
    fail(node, 'ARGUMENT_INVALID', `The scheme ${id} has no group ${String(value)}; it has ${groups.join(', ')}.`);
  }

  function checkList(node: Node, list: string): void {
    if (!lists || lists.has(list)) return;
    fail(node, 'ARGUMENT_INVALID', `There is no list ${list}; create it first, or mend its id.`);
  }

  function checkCircle(node: Node, segment: string): void {
    const way = self === undefined || !segments ? undefined : wayTo(self, segment, segments, new Set());
    if (!way) return;
    fail(node, 'ARGUMENT_INVALID', `The segment would ask for itself: ${[self, ...way].join(' → ')}.`);
  }

  function checkMember(node: Node, segment: string): void {
    if (!segments) return;
    checkCircle(node, segment);
    if (segments.has(segment)) return;
    fail(node, 'ARGUMENT_INVALID', `No segment ${segment} is in use; publish it first, or mend its id.`);
  }

  function unknownFunction(node: Node, name: string): never {
    if (name in comparisons || ['_&&_', '_||_', '!_', '@in', 'startsWith'].includes(name)) {
      fail(node, 'TYPE_MISMATCH', 'A condition cannot be compared; join conditions with && and ||.');
    }
    const shown = name === '_?_:_' ? '?:' : name.replaceAll('_', '').replace('@', '') || name;
    return fail(node, 'FUNCTION_UNKNOWN', `${shown} is not part of the rule language.`);
  }

  /** The constant as the attribute on the other side knows it. */
  function fitting(constant: Constant, node: Node, spec: AttributeSpec | undefined): Constant {
    if (!spec?.values || typeof constant.value !== 'string') return constant;
    const value = declaredValue(spec, constant.value);
    if (value === undefined) {
      const known = Object.keys(spec.values).join(', ');
      fail(node, 'ARGUMENT_INVALID', `${spec.key} is never "${constant.value}"; it is one of ${known}.`);
    }
    return { ...constant, value };
  }

  function comparison(node: Node, op: Comparison, leftNode: Node, rightNode: Node): Rule {
    const left = side(leftNode);
    const right = side(rightNode);
    const type = left.operand.type;
    if (type !== right.operand.type) {
      const wrong = 'value' in right.operand || !('value' in left.operand) ? right : left;
      const hint = [type, right.operand.type].includes('date') ? ' Write a day as date("1994-03-31").' : '';
      fail(wrong.node, 'TYPE_MISMATCH', `A ${type} cannot be compared with a ${right.operand.type}.${hint}`);
    }
    if ((type === 'string' || type === 'bool') && op !== '==' && op !== '!=') {
      const other = type === 'string' ? ', in and startsWith' : '';
      throw new RuleError(
        positions[String(node.id)] ?? 0,
        'TYPE_MISMATCH',
        `A ${type} is compared with ==, !=${other}.`,
      );
    }
    const { operand: l } = left;
    const { operand: r } = right;
    const span = spanOf(node);
    if ('value' in l && 'value' in r) return { kind: 'constant', value: compareValues(l.value, op, r.value), span };
    if ('value' in l) {
      checkGroup(left.node, r, l.value);
      return { kind: 'compare', op: mirrored[op], left: r, right: fitting(l, left.node, right.spec), span };
    }
    if ('value' in r) checkGroup(right.node, l, r.value);
    if ('value' in r) return { kind: 'compare', op, left: l, right: fitting(r, right.node, left.spec), span };
    return { kind: 'compare', op, left: l, right: r, span };
  }

  function membership(node: Node, leftNode: Node, listNode: Node): Rule {
    const left = side(leftNode);
    if (listNode.exprKind.case !== 'listExpr')
      fail(listNode, 'TYPE_MISMATCH', 'After in stands a list, as ["a", "b"].');
    const values = listNode.exprKind.value.elements.map((element) => {
      const constant = constantOf(element, at);
      if (!constant) fail(element, 'TYPE_MISMATCH', 'A list holds constants only.');
      if (constant.type !== left.operand.type) {
        fail(element, 'TYPE_MISMATCH', `A ${left.operand.type} cannot be compared with a ${constant.type}.`);
      }
      checkGroup(element, left.operand, constant.value);
      return fitting(constant, element, left.spec).value;
    });
    const span = spanOf(node);
    if ('value' in left.operand) return { kind: 'constant', value: values.includes(left.operand.value), span };
    if (left.operand.type === 'bool') fail(listNode, 'TYPE_MISMATCH', 'A bool is compared with == and !=.');
    return { kind: 'in', left: left.operand, values: values as (string | number)[], span };
  }

  function prefix(node: Node, target: Node, args: readonly Node[]): Rule {
    const left = side(target);
    const [argument] = args;
    const constant = argument && constantOf(argument, at);
    if (left.operand.type !== 'string') fail(target, 'TYPE_MISMATCH', 'Only text starts with something.');
    if (!argument || args.length !== 1) fail(node, 'ARGUMENT_INVALID', 'startsWith takes one text.');
    if (!constant || typeof constant.value !== 'string') {
      fail(argument, 'TYPE_MISMATCH', 'startsWith takes a constant text.');
    }
    if ('value' in left.operand) {
      return { kind: 'constant', value: String(left.operand.value).startsWith(constant.value), span: spanOf(node) };
    }
    checkGroup(argument, left.operand, constant.value, true);
    return { kind: 'startsWith', left: left.operand, prefix: constant.value, span: spanOf(node) };
  }

  /** Joins what the parser has split in two, again and again, into one list. */
  function joined(kind: 'and' | 'or', args: readonly Node[]): Rule {
    const parts = args.map(condition).flatMap((part) => (part.kind === kind ? part.parts : [part]));
    return { kind, parts };
  }

  function condition(node: Node): Rule {
    const { exprKind } = node;
    if (exprKind.case === 'callExpr') {
      const { function: name, args, target } = exprKind.value;
      const [first, second] = args;
      if (name === '_&&_') return joined('and', args);
      if (name === '_||_') return joined('or', args);
      if (name === '!_' && first) return { kind: 'not', part: condition(first) };
      const op = target ? undefined : comparisons[name];
      if (op && first && second) return comparison(node, op, first, second);
      if (name === '@in' && first && second) return membership(node, first, second);
      if (name === 'startsWith' && target) return prefix(node, target, args);
    }
    if (exprKind.case === 'comprehensionExpr')
      fail(node, 'FUNCTION_UNKNOWN', 'Macros are not part of the rule language.');
    const { operand } = side(node);
    if (operand.type !== 'bool') fail(node, 'NOT_BOOLEAN', 'Here stands a value where a condition is needed.');
    if ('value' in operand) return { kind: 'constant', value: operand.value === true, span: spanOf(node) };
    if (!('feature' in operand)) fail(node, 'NOT_BOOLEAN', 'Here stands a value where a condition is needed.');
    return { kind: 'feature', feature: operand.feature, span: spanOf(node) };
  }

  return { condition, side };
}
