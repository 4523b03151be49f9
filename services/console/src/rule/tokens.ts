type TokenKind = 'word' | 'number' | 'text' | 'sign' | 'end';

export interface Token {
  kind: TokenKind;
  /** As written; of a text what it says, without quotes. */
  value: string;
  start: number;
  end: number;
}

/** The text is no rule that the builder can show; it may still be a good rule. */
export class NotShowable extends Error {}

const pattern =
  /\s*(?:(?<word>[A-Za-z_]\w*)|(?<number>\d+(?:\.\d+)?)|(?<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?<sign>&&|\|\||[=!<>]=|[-+*/%?!<>()[\]{}.,:]))/gy;

function unquote(quoted: string): string {
  const body = quoted.slice(1, -1);
  return body.replace(/\\(.)/g, (whole, escaped: string) => {
    const meant = { n: '\n', t: '\t', '"': '"', "'": "'", '\\': '\\' }[escaped];
    return meant ?? whole;
  });
}

/**
 * The words, numbers, texts and signs of a rule, with an `end` behind them. Throws NotShowable where there is something
 * else: a comment, a raw or a byte text, a text over several lines.
 */
export function tokens(text: string): Token[] {
  const found: Token[] = [];
  let position = 0;
  const end = text.trimEnd().length;
  while (position < end) {
    pattern.lastIndex = position;
    const match = pattern.exec(text);
    if (!match?.groups) throw new NotShowable();
    const [kind, value] = Object.entries(match.groups).find(([, group]) => group !== undefined) ?? [];
    if (!kind || value === undefined) throw new NotShowable();
    const start = pattern.lastIndex - value.length;
    const last = found.at(-1);
    // r"…", b"…", """…""" and the comment // begin like something else.
    if (last && last.end === start && kind === 'text' && last.kind !== 'sign') throw new NotShowable();
    if (last && last.end === start && value === '/' && last.value === '/') throw new NotShowable();
    found.push({ kind: kind as TokenKind, value, start, end: pattern.lastIndex });
    position = pattern.lastIndex;
  }
  found.push({ kind: 'end', value: '', start: text.length, end: text.length });
  return found;
}

/** What a quoted text says. Throws NotShowable for an escape that the builder could not write again. */
export function meaningOf({ value }: Token): string {
  const body = value.slice(1, -1);
  if (/\\[^nt"'\\]/.test(body.replaceAll('\\\\', ''))) throw new NotShowable();
  return unquote(value);
}

/** Whether a piece of text has to stand in brackets before it is joined with others by `&&`, `||` or `!`. */
export function needsBrackets(text: string): boolean {
  let depth = 0;
  try {
    for (const { kind, value } of tokens(text)) {
      if (kind !== 'sign') continue;
      if ('([{'.includes(value)) depth += 1;
      else if (')]}'.includes(value)) depth -= 1;
      if (depth < 0 || (depth === 0 && (value === '&&' || value === '||' || value === '?'))) return true;
    }
  } catch (error) {
    if (error instanceof NotShowable) return true;
    throw error;
  }
  return depth !== 0;
}
