import { createHash } from 'node:crypto';

/** A parameterised statement or a fragment of one. Made by the `sql` tag only. */
export interface Sql {
  /** The statement with `$1`, `$2` … where the values go. */
  readonly text: string;
  readonly values: unknown[];
  /** The name under which a connection prepares it; empty when it is sent unprepared. */
  readonly name: string;
}

interface Fragment extends Sql {
  /** The constant pieces; one value stands between each two. */
  readonly pieces: readonly string[];
}

interface Statement {
  text: string;
  name: string;
}

/**
 * Every connection keeps what it has prepared until it is closed, so the number of names is bounded: a statement whose
 * text varies without end (a list of conditions, a list of rows) runs unprepared once the others have filled the table.
 */
const MAX_PREPARED = 1000;
const statements = new Map<string, Statement>();
const ofTemplate = new WeakMap<TemplateStringsArray, Statement>();

function statement(text: string): Statement {
  const known = statements.get(text);
  if (known) return known;
  const prepared = statements.size < MAX_PREPARED;
  const name = prepared ? `r_${createHash('sha256').update(text).digest('hex').slice(0, 24)}` : '';
  const made = { text, name };
  if (prepared) statements.set(text, made);
  return made;
}

/** The name under which the text of any statement is prepared, empty when the table of names is full. */
export function statementName(text: string): string {
  return statement(text).name;
}

function render(pieces: readonly string[]): string {
  let text = pieces[0] ?? '';
  for (let index = 1; index < pieces.length; index += 1) text += `$${index}${pieces[index]}`;
  return text;
}

function fragment(pieces: readonly string[], values: unknown[], template?: TemplateStringsArray): Fragment {
  let made: Statement | undefined;
  const resolve = (): Statement => {
    made ??= template && ofTemplate.get(template);
    if (!made) {
      made = statement(render(pieces));
      if (template) ofTemplate.set(template, made);
    }
    return made;
  };
  return {
    pieces,
    values,
    get text() {
      return resolve().text;
    },
    get name() {
      return resolve().name;
    },
  };
}

function isFragment(value: unknown): value is Fragment {
  return typeof value === 'object' && value !== null && 'pieces' in value && 'values' in value && 'text' in value;
}

function splice(pieces: string[], values: unknown[], inner: Fragment): void {
  pieces[pieces.length - 1] += inner.pieces[0] ?? '';
  inner.values.forEach((value, index) => {
    values.push(value);
    pieces.push(inner.pieces[index + 1] ?? '');
  });
}

function tag(template: TemplateStringsArray, ...given: unknown[]): Sql {
  if (!given.some(isFragment)) return fragment(template, given, template);
  const pieces = [template[0] ?? ''];
  const values: unknown[] = [];
  given.forEach((value, index) => {
    if (isFragment(value)) {
      splice(pieces, values, value);
      pieces[pieces.length - 1] += template[index + 1] ?? '';
    } else {
      values.push(value);
      pieces.push(template[index + 1] ?? '');
    }
  });
  return fragment(pieces, values);
}

function join(parts: readonly Sql[], separator = ', '): Sql {
  const pieces = [''];
  const values: unknown[] = [];
  parts.forEach((part, index) => {
    if (!isFragment(part)) throw new TypeError('sql.join takes fragments made by the sql tag');
    if (index > 0) pieces[pieces.length - 1] += separator;
    splice(pieces, values, part);
  });
  return fragment(pieces, values);
}

/**
 * Makes a parameterised statement: sql`SELECT … WHERE party_id = ${id} AND ${condition}`. A value becomes a parameter,
 * a fragment made by this tag is spliced in. The statement is prepared once per connection, named by its text.
 *
 * `sql.join(fragments, separator)` lists fragments, `sql.empty` is nothing, and `sql.raw(text)` is for constants of the
 * program (a column from a fixed table), never for anything that came from outside.
 */
export const sql: typeof tag & {
  join: typeof join;
  raw: (text: string) => Sql;
  empty: Sql;
} = Object.assign(tag, { join, raw: (text: string): Sql => fragment([text], []), empty: fragment([''], []) as Sql });
