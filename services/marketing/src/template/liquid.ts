import type { TemplateVariable, TemplateVariant } from '@rapport/proto/marketing/v1';
import { Liquid, type Template } from 'liquidjs';
import { fail } from '../errors.js';

/** What every text may use without declaring it. */
const given: Readonly<Record<string, readonly string[]>> = {
  party: ['display_name', 'salutation', 'given_name', 'family_name'],
  offer: ['title', 'terms'],
  product: ['title'],
};

/** The full names of what every text may use: `party.display_name` and so on. */
export const givenNames: ReadonlySet<string> = new Set(
  Object.entries(given).flatMap(([object, fields]) => fields.map((field) => `${object}.${field}`)),
);

/** Values by the name of their variable; those of `given` by their full name. */
export type Values = Readonly<Record<string, string | number | boolean | null>>;

const MAX_RENDERED = 1_000_000;

/**
 * Liquid without a way out: no tag that reads other templates, no filter that gives up the escaping, no property that
 * an object only inherits, and bounds on time, memory and length.
 */
function engine(outputEscape: 'escape' | undefined): Liquid {
  const made = new Liquid({
    templates: {},
    strictFilters: true,
    strictVariables: true,
    ownPropertyOnly: true,
    timezoneOffset: 0,
    parseLimit: 300_000,
    renderLimit: 500,
    memoryLimit: 5_000_000,
    ...(outputEscape && { outputEscape }),
  });
  for (const tag of ['include', 'render', 'layout', 'block']) delete made.tags[tag];
  delete made.filters['raw'];
  return made;
}

const plain = engine(undefined);
const escaping = engine('escape');

type Field = 'subject' | 'text_body' | 'html_body';

function textsOf(variant: TemplateVariant): [Field, string][] {
  const texts: [Field, string][] = [
    ['subject', variant.subject],
    ['text_body', variant.textBody],
    ['html_body', variant.htmlBody],
  ];
  return texts.filter(([, text]) => text !== '');
}

function engineOf(field: Field): Liquid {
  return field === 'html_body' ? escaping : plain;
}

interface Placed {
  message: string;
  token?: { getPosition?(): number[] };
}

function parse(field: Field, text: string, at: string): Template[] {
  try {
    return engineOf(field).parse(text);
  } catch (error) {
    const { message, token } = error as Placed;
    const [line = 1, column = 1] = token?.getPosition?.() ?? [];
    // The library appends the place to its message; the metadata says it.
    const description = (message.split(', line:')[0] ?? '').slice(0, 200);
    throw fail('TEMPLATE_INVALID', {
      metadata: { line: String(line), column: String(column), field: at },
      violations: [{ field: at, description: `line ${line}, column ${column}: ${description}` }],
    });
  }
}

function nameOf(segments: readonly unknown[]): string {
  return segments.map((segment) => (typeof segment === 'string' ? segment : '[]')).join('.');
}

function isKnown(segments: readonly unknown[], declared: ReadonlySet<string>): boolean {
  const [head, second] = segments;
  if (typeof head !== 'string') return false;
  if (declared.has(head)) return true;
  return typeof second === 'string' && (given[head]?.includes(second) ?? false);
}

/**
 * Checks the texts of a version: sound Liquid, only declared variables, one text per language. Throws TEMPLATE_INVALID
 * with the place, VARIABLE_UNDECLARED with the names, VARIABLE_REPEATED or LANGUAGE_REPEATED.
 */
export function checkTexts(variables: readonly TemplateVariable[], variants: readonly TemplateVariant[]): void {
  const declared = new Set<string>();
  for (const [index, { key }] of variables.entries()) {
    const field = `version.variables[${index}].key`;
    if (declared.has(key))
      throw fail('VARIABLE_REPEATED', { violations: [{ field, description: `${key} is repeated` }] });
    // A variable called `party` would hide the given one.
    if (Object.hasOwn(given, key)) {
      throw fail('VARIABLE_REPEATED', { violations: [{ field, description: `${key} is given to every text` }] });
    }
    declared.add(key);
  }
  const languages = new Set<string>();
  const unknown: { field: string; description: string }[] = [];
  for (const [index, variant] of variants.entries()) {
    const language = variant.language.toLowerCase();
    if (languages.has(language)) {
      const field = `version.variants[${index}].language`;
      throw fail('LANGUAGE_REPEATED', { violations: [{ field, description: `${variant.language} is repeated` }] });
    }
    languages.add(language);
    for (const [field, text] of textsOf(variant)) {
      const at = `version.variants[${index}].${field}`;
      const parsed = parse(field, text, at);
      for (const segments of engineOf(field).globalVariableSegmentsSync(parsed)) {
        if (!isKnown(segments, declared))
          unknown.push({ field: at, description: `${nameOf(segments)} is not declared` });
      }
    }
  }
  if (unknown.length > 0) throw fail('VARIABLE_UNDECLARED', { violations: unknown.slice(0, 50) });
}

/** The text for a language: the same, else that of the same base language (`zh` for `zh-CN`), else the first. */
export function chooseVariant(variants: readonly TemplateVariant[], language: string): TemplateVariant | undefined {
  const wanted = language.toLowerCase();
  const base = (tag: string): string => tag.toLowerCase().split('-')[0] ?? '';
  return (
    variants.find((variant) => variant.language.toLowerCase() === wanted) ??
    variants.find((variant) => base(variant.language) === base(wanted)) ??
    variants[0]
  );
}

/** A message as it goes out; `html` is empty where the template has none. */
export interface Rendered {
  language: string;
  subject: string;
  text: string;
  html: string;
}

const parsed = new Map<string, Template[]>();

/** Texts never change, so they are parsed once; the table is bounded because versions are not. */
function parsedOnce(field: Field, text: string): Template[] {
  const key = `${field}\n${text}`;
  const known = parsed.get(key);
  if (known) return known;
  const made = parse(field, text, field);
  if (parsed.size >= 200) parsed.clear();
  parsed.set(key, made);
  return made;
}

function contextOf(values: Values): Record<string, unknown> {
  const context: Record<string, unknown> = {};
  for (const [object, fields] of Object.entries(given)) {
    context[object] = Object.fromEntries(fields.map((field) => [field, values[`${object}.${field}`] ?? '']));
  }
  for (const [name, value] of Object.entries(values)) if (!name.includes('.')) context[name] = value;
  return context;
}

/** Makes the message of one variant. Throws TEMPLATE_FAILED when a bound is met or the text cannot be made. */
export function renderVariant(variant: TemplateVariant, values: Values): Rendered {
  const context = contextOf(values);
  const render = (field: Field, text: string): string => {
    if (text === '') return '';
    let made: string;
    try {
      made = String(engineOf(field).renderSync(parsedOnce(field, text), context));
    } catch (cause) {
      throw fail('TEMPLATE_FAILED', { metadata: { field }, cause });
    }
    if (made.length > MAX_RENDERED) throw fail('TEMPLATE_FAILED', { metadata: { field } });
    return made;
  };
  return {
    language: variant.language,
    // A line end in a subject would begin another header.
    subject: render('subject', variant.subject).replace(/\s+/g, ' ').trim(),
    text: render('text_body', variant.textBody),
    html: render('html_body', variant.htmlBody),
  };
}
