/** Path templates of google.api.http: `/v1/{name=parties/*}:archive`. */

export type Segment = { kind: 'literal'; value: string } | { kind: 'one' } | { kind: 'rest' };

/** A field path that takes the segments `[start, end)`; `end` is undefined when it takes all that follow. */
export interface Variable {
  field: string;
  start: number;
  end: number | undefined;
}

export interface Template {
  segments: Segment[];
  variables: Variable[];
  verb: string;
}

/** One path as it came in, split but checked and decoded: `raw` for literals, `decoded` for what variables take. */
export interface SplitPath {
  raw: string[];
  decoded: string[];
  verb: string;
}

const variablePattern = /^\{([a-z][a-z0-9_.]*)(?:=([^{}]+))?\}/;
const literalPattern = /^[A-Za-z0-9_.~-]+/;

function parseSegment(text: string): { segment: Segment; length: number } {
  if (text.startsWith('**')) return { segment: { kind: 'rest' }, length: 2 };
  if (text.startsWith('*')) return { segment: { kind: 'one' }, length: 1 };
  const literal = literalPattern.exec(text)?.[0];
  if (literal === undefined) throw new Error(`unreadable path template at "${text}"`);
  return {
    segment: { kind: 'literal', value: literal },
    length: literal.length,
  };
}

/** Parses a template; throws when it is not one, which is a fault of the contract and stops the start. */
export function parseTemplate(text: string): Template {
  const segments: Segment[] = [];
  const variables: Variable[] = [];
  let rest = text;
  const take = (length: number): void => {
    rest = rest.slice(length);
  };
  while (rest.startsWith('/')) {
    take(1);
    const variable = variablePattern.exec(rest);
    if (variable) {
      const start = segments.length;
      for (const part of (variable[2] ?? '*').split('/')) segments.push(parseSegment(part).segment);
      const open = segments.at(-1)?.kind === 'rest';
      variables.push({
        field: variable[1] ?? '',
        start,
        end: open ? undefined : segments.length,
      });
      take(variable[0].length);
    } else {
      const { segment, length } = parseSegment(rest);
      segments.push(segment);
      take(length);
    }
  }
  const verb = rest === '' ? '' : /^:[A-Za-z0-9]+$/.exec(rest)?.[0].slice(1);
  const restAt = segments.findIndex(({ kind }) => kind === 'rest');
  if (verb === undefined || segments.length === 0 || (restAt >= 0 && restAt < segments.length - 1)) {
    throw new Error(`unreadable path template "${text}"`);
  }
  return { segments, variables, verb };
}

function decodeSegment(raw: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(raw);
  } catch {
    return undefined;
  }
  const hostile = decoded === '' || decoded === '.' || decoded === '..' || /[\u0000-\u001f\u007f/\\]/.test(decoded);
  return hostile ? undefined : decoded;
}

/**
 * Splits the raw path of a request. Undefined when a segment is empty, a dot segment, undecodable or decodes to
 * something with a slash, a backslash or a control character: a resource name must not be steered by its encoding.
 */
export function splitPath(path: string): SplitPath | undefined {
  if (!path.startsWith('/')) return undefined;
  const raw = path.slice(1).split('/');
  const last = raw.at(-1) ?? '';
  const colon = last.lastIndexOf(':');
  const verb = colon < 0 ? '' : last.slice(colon + 1);
  if (colon >= 0) raw[raw.length - 1] = last.slice(0, colon);
  const decoded = raw.map(decodeSegment);
  if (decoded.includes(undefined) || (colon >= 0 && verb === '')) return undefined;
  return { raw, decoded: decoded as string[], verb };
}

/** The values of the template's variables when the path fits it, else undefined. */
export function matchTemplate(template: Template, path: SplitPath): Map<string, string> | undefined {
  const { segments } = template;
  if (template.verb !== path.verb) return undefined;
  const open = segments.at(-1)?.kind === 'rest';
  if (open ? path.raw.length < segments.length : path.raw.length !== segments.length) return undefined;
  const fits = segments.every((segment, at) => segment.kind !== 'literal' || segment.value === path.raw[at]);
  if (!fits) return undefined;
  return new Map(template.variables.map(({ field, start, end }) => [field, path.decoded.slice(start, end).join('/')]));
}
