import { parse } from '@bufbuild/cel';
import { check, checkValue, type Surroundings } from './check.js';
import { children, endOf, type Node, type ParsedRule, type Problem, RuleError, startOf } from './problem.js';
import type { Operand, Rule, Span } from './tree.js';

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

/** Texts, brackets and what joins conditions: all that has to be known to see where a part ends. */
const TOKEN = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[([{]|[)\]}]|&&|\|\||,/gs;

/**
 * Where a part stands that joins nothing. The parser tells where its pieces begin: it reaches over the last of them to
 * the next && or || or the bracket around it, and takes in the brackets that open before its first piece.
 */
function spanIn(text: string, node: Node, positions: Readonly<Record<string, number>>): Span {
  let start = startOf(node, positions);
  const last = endOf(node, positions);
  const opened: number[] = [];
  let end = text.length;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if ('([{'.includes(token)) opened.push(index);
    else if (')]}'.includes(token)) {
      const open = opened.pop() ?? 0;
      if (open < start && index >= start) {
        if (index > last) {
          end = index;
          break;
        }
        start = open;
      }
    } else if (index > last && !opened.some((open) => open >= start)) {
      end = index;
      break;
    }
  }
  return { start, end: start + text.slice(start, end).trimEnd().length };
}

function parseChecked(text: string): ParsedRule {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new RuleError(0, 'TOO_COMPLEX', `The rule is longer than ${MAX_BYTES} bytes.`);
  }
  const deep = tooDeep(text);
  if (deep !== undefined) throw new RuleError(deep, 'TOO_COMPLEX', `The rule is nested deeper than ${MAX_DEPTH}.`);
  const parsed = parseText(text);
  if (countNodes(parsed.expr) > MAX_NODES) {
    throw new RuleError(0, 'TOO_COMPLEX', `The rule has more than ${MAX_NODES} parts.`);
  }
  return parsed;
}

/** The parsed tree through a check, or what is wrong with the text first. */
function readText<T>(text: string, through: (parsed: ParsedRule) => T): { read: T } | { problem: Problem } {
  try {
    return { read: through(parseChecked(text)) };
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    return { problem: { ...positionOf(text, error.offset), reason: error.reason, message: error.message } };
  }
}

function placeOf(text: string, parsed: ParsedRule) {
  const positions = parsed.sourceInfo?.positions ?? {};
  return { positions, spanOf: (node: Node) => spanIn(text, node, positions) };
}

/**
 * Reads a rule: the checked tree, or what is wrong with it first. With the segments in use, one that asks for a segment
 * that is not in use, or in the end for its own segment, is refused. Pure.
 */
export function readRule(text: string, around: Surroundings = {}): { rule: Rule } | { problem: Problem } {
  const found = readText(text, (parsed) => check(parsed.expr, { ...placeOf(text, parsed), around }));
  return 'problem' in found ? found : { rule: found.read };
}

/** Reads a value as rules write it, for example `party.age` or `holdings.count("loan")`; or what is wrong with it. Pure. */
export function readValue(text: string): { value: Operand } | { problem: Problem } {
  const found = readText(text, (parsed) => checkValue(parsed.expr, placeOf(text, parsed)));
  return 'problem' in found ? found : { value: found.read };
}
