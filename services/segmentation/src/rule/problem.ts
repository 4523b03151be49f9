import type { parse } from '@bufbuild/cel';

/** A rule as the parser gives it. */
export type ParsedRule = ReturnType<typeof parse>;
/** One node of it. */
export type Node = ParsedRule['expr'];

/** Why a rule is refused. */
export type ProblemReason =
  | 'SYNTAX'
  | 'ATTRIBUTE_UNKNOWN'
  | 'TYPE_MISMATCH'
  | 'ARGUMENT_INVALID'
  | 'FUNCTION_UNKNOWN'
  | 'NOT_BOOLEAN'
  | 'IMPOSSIBLE'
  | 'TOO_COMPLEX';

/** What is wrong with a rule, and where in its text: line and column from 1, in characters. */
export interface Problem {
  line: number;
  column: number;
  reason: ProblemReason;
  message: string;
}

/** Thrown while a rule is read; `offset` counts UTF-16 units of the text. */
export class RuleError extends Error {
  constructor(
    readonly offset: number,
    readonly reason: ProblemReason,
    message: string,
  ) {
    super(message);
  }
}

/** The nodes right below a node. */
export function children(node: Node): Node[] {
  const { exprKind } = node;
  switch (exprKind.case) {
    case 'callExpr':
      return [...(exprKind.value.target ? [exprKind.value.target] : []), ...exprKind.value.args];
    case 'selectExpr':
      return exprKind.value.operand ? [exprKind.value.operand] : [];
    case 'listExpr':
      return exprKind.value.elements;
    case 'structExpr':
      return exprKind.value.entries.flatMap((entry) => [
        ...(entry.keyKind.case === 'mapKey' ? [entry.keyKind.value] : []),
        ...(entry.value ? [entry.value] : []),
      ]);
    default:
      return [];
  }
}

/** The leftmost offset of a node: an operator's own position is in its middle. */
export function startOf(node: Node, positions: Readonly<Record<string, number>>): number {
  let start = positions[String(node.id)] ?? 0;
  for (const child of children(node)) start = Math.min(start, startOf(child, positions));
  return start;
}

/** The rightmost offset at which a piece of a node begins. */
export function endOf(node: Node, positions: Readonly<Record<string, number>>): number {
  let end = positions[String(node.id)] ?? 0;
  for (const child of children(node)) end = Math.max(end, endOf(child, positions));
  return end;
}
