import { createHash } from 'node:crypto';

/** A parameterised statement or a fragment of one. Made by the `sql` tag only. */
export interface Sql {
  /** The statement with `$1`, `$2` … where the values go. */
  readonly text: string;
  readonly values: unknown[];
  /** The name under which a connection prepares it; empty when it is sent unprepared. */
  readonly name: string;
}

/** The constant part of a fragment; fragments that were put together the same way share one. */
interface Shape {
  /** The pieces of text; one value stands between each two. */
  readonly pieces: readonly string[];
  /** Made when it is first sent: most shapes are parts of others. */
  statement?: Statement;
  /** Whether it is found again; shapes put together of others that are not are made anew each time. */
  readonly lasting: boolean;
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

function statement(text: string): Statement {
  const found = statements.get(text);
  if (found) return found;
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

/** A class so that nothing that came from outside can pass for a fragment. */
class Fragment implements Sql {
  constructor(
    readonly shape: Shape,
    readonly values: unknown[],
  ) {}

  get text(): string {
    return this.statement.text;
  }

  get name(): string {
    return this.statement.name;
  }

  private get statement(): Statement {
    const { shape } = this;
    shape.statement ??= statement(render(shape.pieces));
    return shape.statement;
  }
}

/**
 * A statement of many fragments would be put together, and its text hashed, at each call. Instead the way from part to
 * part leads to the shape that was made of the same parts before: a value is the step `undefined`, a fragment its shape.
 */
interface Step {
  readonly next: Map<Shape | undefined, Step>;
  shape?: Shape;
}

/** Steps that are kept; beyond it shapes are made anew each time, because lists of any length have shapes without end. */
const MAX_STEPS = 20_000;
let steps = 0;

function newStep(): Step {
  steps += 1;
  return { next: new Map() };
}

/** The shape at the end of the way through the parts; `make` puts it together the first time. */
function shapeOf(start: Step | undefined, parts: readonly unknown[], make: () => string[]): Shape {
  let step = start;
  for (const part of parts) {
    const shape = part instanceof Fragment ? part.shape : undefined;
    if (!step || shape?.lasting === false) return { pieces: make(), lasting: false };
    let next = step.next.get(shape);
    if (!next && steps < MAX_STEPS) {
      next = newStep();
      step.next.set(shape, next);
    }
    step = next;
  }
  if (!step) return { pieces: make(), lasting: false };
  step.shape ??= { pieces: make(), lasting: true };
  return step.shape;
}

function valuesOf(parts: readonly unknown[]): unknown[] {
  const values: unknown[] = [];
  for (const part of parts) {
    if (part instanceof Fragment) for (const value of part.values) values.push(value);
    else values.push(part);
  }
  return values;
}

/** The pieces of texts with the parts between them: a value leaves a gap, a fragment closes it with its own pieces. */
function spliced(texts: readonly string[], parts: readonly unknown[]): string[] {
  const pieces = [texts[0] ?? ''];
  parts.forEach((part, index) => {
    const [first = '', ...others] = part instanceof Fragment ? part.shape.pieces : ['', ''];
    pieces[pieces.length - 1] += first;
    pieces.push(...others);
    pieces[pieces.length - 1] += texts[index + 1] ?? '';
  });
  return pieces;
}

const ofTemplate = new WeakMap<TemplateStringsArray, Step>();
const ofSeparator = new Map<string, Step>();
const ofRaw = new Map<string, Shape>();

/** What is known under a key, made the first time and kept as long as there is room. */
function known<K, V>(table: { get(key: K): V | undefined; set(key: K, value: V): unknown }, key: K, make: () => V): V {
  let value = table.get(key);
  if (value === undefined) {
    value = make();
    table.set(key, value);
  }
  return value;
}

function tag(template: TemplateStringsArray, ...given: unknown[]): Sql {
  const shape = shapeOf(known(ofTemplate, template, newStep), given, () => spliced(template, given));
  return new Fragment(shape, valuesOf(given));
}

function join(parts: readonly Sql[], separator = ', '): Sql {
  for (const part of parts)
    if (!(part instanceof Fragment)) throw new TypeError('sql.join takes fragments made by the sql tag');
  const texts = (): string[] => ['', ...parts.map((_part, index) => (index < parts.length - 1 ? separator : ''))];
  const shape = shapeOf(known(ofSeparator, separator, newStep), parts, () => spliced(texts(), parts));
  return new Fragment(shape, valuesOf(parts));
}

function raw(text: string): Sql {
  const lasting = ofRaw.has(text) || ofRaw.size < MAX_PREPARED;
  const make = (): Shape => ({ pieces: [text], lasting });
  return new Fragment(lasting ? known(ofRaw, text, make) : make(), []);
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
  raw: typeof raw;
  empty: Sql;
} = Object.assign(tag, { join, raw, empty: raw('') });
