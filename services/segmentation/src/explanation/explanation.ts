import { describeRule, type Leaf, leavesOf, type Rule } from '../rule/rule.js';

/** A rule with what it found for one party, brackets and all. */
export interface Found {
  rule: Rule;
  holds: boolean;
  /** Whether the answer of the whole hangs on it. */
  decides: boolean;
  /** How many brackets it stands in. */
  depth: number;
  /** Which leaf it is, counted from the left; undefined for brackets. */
  leaf?: number;
}

function holds(rule: Rule, verdictOf: (leaf: Leaf) => boolean): boolean {
  switch (rule.kind) {
    case 'and':
      return rule.parts.every((part) => holds(part, verdictOf));
    case 'or':
      return rule.parts.some((part) => holds(part, verdictOf));
    case 'not':
      return !holds(rule.part, verdictOf);
    default:
      return verdictOf(rule);
  }
}

/**
 * A rule part by part, outer parts before those in them, from the verdicts of its leaves from left to right. Of brackets
 * that decide, those parts decide that alone make them what they are: where all have to hold and some do not, those that
 * do not; where one has to hold and some do, those that do; otherwise all. Pure.
 */
export function partsOf(rule: Rule, verdicts: readonly boolean[]): Found[] {
  const found: Found[] = [];
  const places = new Map(leavesOf(rule).map((leaf, place) => [leaf, place]));
  const verdictOf = (leaf: Leaf): boolean => verdicts[places.get(leaf) ?? -1] ?? false;
  const walk = (part: Rule, decides: boolean, depth: number): void => {
    const answer = holds(part, verdictOf);
    switch (part.kind) {
      case 'and':
      case 'or': {
        found.push({ rule: part, holds: answer, decides, depth });
        // Where one part alone is enough for the answer, only parts of that answer decide.
        const alone = (part.kind === 'or') === answer;
        for (const inner of part.parts) {
          walk(inner, decides && (!alone || holds(inner, verdictOf) === answer), depth + 1);
        }
        break;
      }
      case 'not':
        found.push({ rule: part, holds: answer, decides, depth });
        walk(part.part, decides, depth + 1);
        break;
      default:
        found.push({ rule: part, holds: answer, decides, depth, leaf: places.get(part) ?? -1 });
    }
  };
  walk(rule, true, 0);
  return found;
}

/** The conditions that decided, in words: "age is at least 60; it is not so that number of owned loans is 0". */
export function decidingWords(parts: readonly Found[]): string {
  return parts
    .filter(({ leaf, decides }) => leaf !== undefined && decides)
    .map(({ rule, holds: answer }) => (answer ? describeRule(rule) : `it is not so that ${describeRule(rule)}`))
    .join('; ');
}
