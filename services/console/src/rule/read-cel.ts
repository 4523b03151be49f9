import { meaningOf, NotShowable, type Token, tokens } from './tokens.js';
import { type Comparand, isTree, type RuleLeaf, type RuleTree, textLeaf } from './tree.js';

const comparisons = ['==', '!=', '<', '<=', '>', '>='];

/** Reads one rule; each method consumes what it has understood. */
class Reader {
  private position = 0;
  private readonly all: Token[];

  constructor(private readonly text: string) {
    this.all = tokens(text);
  }

  private get next(): Token {
    const token = this.all[this.position];
    if (!token) throw new NotShowable();
    return token;
  }

  private take(): Token {
    const token = this.next;
    this.position += 1;
    return token;
  }

  private sees(sign: string): boolean {
    return (this.next.kind === 'sign' || this.next.kind === 'word') && this.next.value === sign;
  }

  private skips(sign: string): boolean {
    if (!this.sees(sign)) return false;
    this.position += 1;
    return true;
  }

  private expect(sign: string): void {
    if (!this.skips(sign)) throw new NotShowable();
  }

  whole(): RuleTree | RuleLeaf {
    try {
      const node = this.either();
      if (this.next.kind === 'end') return node;
    } catch (error) {
      if (!(error instanceof NotShowable)) throw error;
    }
    // The parts cannot be told apart, as in `a ? b : c`: the whole is one line.
    this.position = 0;
    return textLeaf(this.slice(() => this.next.kind === 'end'));
  }

  /** Whether a condition may end here. */
  private get ends(): boolean {
    return this.next.kind === 'end' || this.sees('&&') || this.sees('||') || this.sees(')');
  }

  /** The text from here to where it stops outside of all brackets. Throws where brackets do not match. */
  private slice(stops: () => boolean): string {
    const start = this.next.start;
    let depth = 0;
    let end = start;
    while (depth > 0 || !stops()) {
      if (this.next.kind === 'end') throw new NotShowable();
      const token = this.take();
      const sign = token.kind === 'sign' ? token.value : '';
      if (sign && '([{'.includes(sign)) depth += 1;
      if (sign && ')]}'.includes(sign)) depth -= 1;
      if (depth < 0) throw new NotShowable();
      end = token.end;
    }
    if (end === start) throw new NotShowable();
    return this.text.slice(start, end);
  }

  private either(): RuleTree | RuleLeaf {
    const rules = [this.every()];
    while (this.skips('||')) rules.push(this.every());
    return rules.length === 1 && rules[0] ? rules[0] : { combinator: 'or', rules };
  }

  private every(): RuleTree | RuleLeaf {
    const rules = [this.one()];
    while (this.skips('&&')) rules.push(this.one());
    return rules.length === 1 && rules[0] ? rules[0] : { combinator: 'and', rules };
  }

  private one(): RuleTree | RuleLeaf {
    const start = this.position;
    try {
      const node = this.showable();
      if (this.ends) return node;
    } catch (error) {
      if (!(error instanceof NotShowable)) throw error;
    }
    // More than a line can show, such as `a + b > 3`: it stays as it is written.
    this.position = start;
    const text = this.slice(() => {
      // Whatever is around this is chosen by it, so that no part of it stands for itself.
      if (this.sees('?') || this.sees(':') || this.sees(',')) throw new NotShowable();
      return this.ends;
    });
    return textLeaf(text);
  }

  private showable(): RuleTree | RuleLeaf {
    if (this.skips('!')) {
      // `!a.b == 3` negates `a.b`, and not the comparison.
      const bracketed = this.sees('(') || this.sees('!');
      const node = this.showable();
      if (!bracketed && !isTree(node) && !['is true', 'is false', 'startsWith'].includes(node.operator)) {
        throw new NotShowable();
      }
      return negate(node);
    }
    if (this.skips('(')) {
      const inner = this.either();
      this.expect(')');
      return inner;
    }
    return this.comparison();
  }

  /** `party.region`, or `holdings.count("loan")` with what stands in the brackets. */
  private operand(): { field: string; args?: string[]; prefix?: string } {
    if (this.next.kind !== 'word') throw new NotShowable();
    let field = this.take().value;
    while (this.skips('.')) {
      if (this.next.kind !== 'word') throw new NotShowable();
      const word = this.take().value;
      if (word === 'startsWith') return { field, prefix: this.call() };
      field += `.${word}`;
    }
    if (!this.sees('(')) return { field };
    const args = this.brackets();
    if (this.sees('.')) throw new NotShowable();
    return { field, args };
  }

  /** `("…")`. */
  private call(): string {
    this.expect('(');
    const token = this.take();
    if (token.kind !== 'text') throw new NotShowable();
    this.expect(')');
    return meaningOf(token);
  }

  private brackets(): string[] {
    this.expect('(');
    const args: string[] = [];
    let depth = 0;
    let start = this.next.start;
    for (;;) {
      if (this.next.kind === 'end') throw new NotShowable();
      const token = this.take();
      const sign = token.kind === 'sign' ? token.value : '';
      if ('([{'.includes(sign) && sign) depth += 1;
      if (depth === 0 && (sign === ')' || sign === ',')) {
        const arg = this.text.slice(start, token.start).trim();
        if (arg) args.push(arg);
        if (sign === ')') return args;
        start = token.end;
      } else if (')]}'.includes(sign) && sign) depth -= 1;
    }
  }

  private constant(): { kind: Comparand['kind']; value: string } {
    const minus = this.skips('-') ? '-' : '';
    const token = this.take();
    if (token.kind === 'number') return { kind: 'number', value: `${minus}${token.value}` };
    if (minus) throw new NotShowable();
    if (token.kind === 'text') return { kind: 'string', value: meaningOf(token) };
    if (token.kind === 'word' && (token.value === 'date' || token.value === 'timestamp')) {
      const day = /^\d{4}-\d{2}-\d{2}/.exec(this.call());
      if (day) return { kind: 'date', value: day[0] };
    }
    throw new NotShowable();
  }

  private comparison(): RuleLeaf {
    const { field, args, prefix } = this.operand();
    const leaf = (operator: string, kind: Comparand['kind'], values: string[]): RuleLeaf => ({
      field,
      operator,
      value: { ...(args ? { args } : {}), kind, values },
    });
    if (prefix !== undefined) return leaf('startsWith', 'string', [prefix]);
    const operator = comparisons.find((sign) => this.sees(sign));
    if (operator) {
      this.take();
      if (this.sees('true') || this.sees('false')) {
        const wanted = (this.take().value === 'true') === (operator === '==');
        if (operator !== '==' && operator !== '!=') throw new NotShowable();
        return leaf(wanted ? 'is true' : 'is false', 'none', []);
      }
      const { kind, value } = this.constant();
      return leaf(operator, kind, [value]);
    }
    if (!this.skips('in')) return leaf('is true', 'none', []);
    this.expect('[');
    const constants = [this.constant()];
    while (this.skips(',')) constants.push(this.constant());
    this.expect(']');
    const kind = constants[0]?.kind ?? 'string';
    if (constants.some((one) => one.kind !== kind)) throw new NotShowable();
    return leaf(
      'in',
      kind,
      constants.map(({ value }) => value),
    );
  }
}

function negate(node: RuleTree | RuleLeaf): RuleTree | RuleLeaf {
  if (!isTree(node)) {
    if (node.operator === 'in') return { ...node, operator: 'not in' };
    if (node.operator === 'is true') return { ...node, operator: 'is false' };
    if (node.operator === 'is false') return { ...node, operator: 'is true' };
    if (node.operator === 'not in') return { ...node, operator: 'in' };
    // `!(a < b)` is not `a >= b`: a missing value fails both comparisons.
    return { combinator: 'and', not: true, rules: [node] };
  }
  const { not, ...rest } = node;
  return not ? rest : { ...rest, not: true };
}

/**
 * The tree of a rule. What is more than a line can show is a line as text; undefined when the text is not even words in
 * matching brackets, or holds comments, which lines have no place for.
 */
export function readCel(text: string): RuleTree | undefined {
  if (text.trim() === '') return { combinator: 'and', rules: [] };
  try {
    const node = new Reader(text).whole();
    return isTree(node) ? node : { combinator: 'and', rules: [node] };
  } catch (error) {
    if (error instanceof NotShowable) return undefined;
    throw error;
  }
}
