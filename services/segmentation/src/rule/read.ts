import { parse } from '@bufbuild/cel';
import { check } from './check.js';
import { children, type Node, type ParsedRule, type Problem, RuleError } from './problem.js';
import type { Rule } from './tree.js';

const MAX_BYTES = 4096;
const MAX_DEPTH = 32;
const MAX_NODES = 500;

function positionOf(text: string, offset: number): { line: number; column: number } {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: [...(lines.at(-1) ?? '')].length + 1 };
}

/** The offset of the first bracket that is nested too deep; strings are passed over. The parser recurses, this does not. */
function tooDeep(text: string): number | undefined {
  let depth = 0;
  for (const match of text.matchAll(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[([{]|[)\]}]|[!-]{2,}/gs)) {
    const [token] = match;
    if (token === '(' || token === '[' || token === '{') depth += 1;
    else if (token === ')' || token === ']' || token === '}') depth -= 1;
    else if (/^[!-]+$/.test(token) && token.length > MAX_DEPTH) return match.index;
    if (depth > MAX_DEPTH) return match.index;
  }
  return undefined;
}

function countNodes(root: Node): number {
  let count = 0;
  const waiting = [root];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    count += 1;
    waiting.push(...children(node));
  }
  return count;
}

interface ParserFailure {
  rawMessage?: string;
  location?: { start?: { offset?: number } };
}

function parseText(text: string): ParsedRule {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw new RuleError(0, 'TOO_COMPLEX', 'The rule is nested too deep.');
    const { rawMessage, location } = error as ParserFailure;
    throw new RuleError(location?.start?.offset ?? 0, 'SYNTAX', rawMessage ?? 'This is not an expression.');
  }
}

function readText(text: string): Rule {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new RuleError(0, 'TOO_COMPLEX', `The rule is longer than ${MAX_BYTES} bytes.`);
  }
  const deep = tooDeep(text);
  if (deep !== undefined) throw new RuleError(deep, 'TOO_COMPLEX', `The rule is nested deeper than ${MAX_DEPTH}.`);
  const parsed = parseText(text);
  if (countNodes(parsed.expr) > MAX_NODES) {
    throw new RuleError(0, 'TOO_COMPLEX', `The rule has more than ${MAX_NODES} parts.`);
  }
  return check(parsed.expr, parsed.sourceInfo?.positions ?? {});
}

/** Reads a rule: the checked tree, or what is wrong with it first. Pure. */
export function readRule(text: string): { rule: Rule } | { problem: Problem } {
  try {
    return { rule: readText(text) };
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    return { problem: { ...positionOf(text, error.offset), reason: error.reason, message: error.message } };
  }
}
