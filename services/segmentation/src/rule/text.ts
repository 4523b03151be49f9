import type { Rule } from './tree.js';

/** The text of a part of a rule, a rule by itself; `text` is that of the whole rule, in which its conditions stand. */
export function ruleText(part: Rule, text: string): string {
  switch (part.kind) {
    case 'and':
    case 'or': {
      const inner = part.parts.map((one) => {
        const own = ruleText(one, text);
        return one.kind === 'and' || one.kind === 'or' ? `(${own})` : own;
      });
      return inner.join(part.kind === 'and' ? ' && ' : ' || ');
    }
    case 'not':
      return `!(${ruleText(part.part, text)})`;
    default:
      return text.slice(part.span.start, part.span.end);
  }
}
