import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { isEncoding } from '../importing/decode.js';
import { OperatorError } from '../suite.js';

const column = z.string().min(1);
const columns = z.union([column.transform((one) => [one]), z.array(column).min(1).max(5)]);

const schema = z.strictObject({
  /** What stands between two cells. */
  delimiter: z.string().length(1).default(','),
  /** How the file is written, as the WHATWG names it; a byte order mark says more. */
  encoding: z
    .string()
    .refine(isEncoding, {
      message: 'is no encoding; known are utf-8, gb18030, big5, windows-1250, windows-1252 and others',
    })
    .default('utf-8'),
  /** The column that names a record in the answer. */
  key: column.optional(),
  /** The column that says which records are one party; with a pattern, its first group does. Never leaves this process. */
  truth: z.strictObject({ column, pattern: z.string().optional() }).optional(),
  fields: z
    .strictObject({
      given_name: column.optional(),
      family_name: column.optional(),
      /**
       * Where a record has neither of the two: "Family, Given" is split at the comma, else at the last space. The service
       * splits Chinese names, whose family name comes first.
       */
      full_name: column.optional(),
      legal_name: column.optional(),
      birth_date: z
        .strictObject({
          column,
          format: z.string().refine((format) => ['YYYY', 'MM', 'DD'].every((part) => format.split(part).length === 2), {
            message: 'must hold YYYY, MM and DD once each, such as DD.MM.YYYY',
          }),
        })
        .optional(),
      sex: z.strictObject({ column, female: z.array(z.string()).min(1), male: z.array(z.string()).min(1) }).optional(),
      address_lines: columns.optional(),
      house_number: column.optional(),
      locality: column.optional(),
      postal_code: column.optional(),
      emails: columns.optional(),
      phones: columns.optional(),
      identifiers: z
        .array(
          z.strictObject({
            column,
            kind: z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be lower-case letters, digits and _'),
            strong: z.boolean().default(false),
          }),
        )
        .max(5)
        .optional(),
    })
    .refine((fields) => Object.keys(fields).length > 0, { message: 'must map at least one field' }),
  /** Further facts: their names and columns. */
  attributes: z
    .record(z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be lower-case letters, digits and _'), column)
    .refine((attributes) => Object.keys(attributes).length <= 4, { message: 'at most 4' })
    .default({}),
});

/** Which columns of a file of people mean what. */
export type Mapping = z.infer<typeof schema>;

/** A mapping and where in its file each column is named. */
export interface MappingFile {
  mapping: Mapping;
  /** Every column that the mapping names, with the line that names it. */
  columns: readonly { name: string; line: number }[];
  file: string;
}

/** Reads a mapping; throws an OperatorError that names the file and the line of each fault. */
export function readMapping(file: string): MappingFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new OperatorError(`${file} cannot be read.`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const broken = document.errors[0];
  if (broken) throw new OperatorError(`${file}:${lines.linePos(broken.pos[0]).line}: ${broken.message.split('\n')[0]}`);
  const lineOf = (path: readonly PropertyKey[]): number => {
    // A fault of something absent is shown where it should stand: at the nearest thing around it.
    for (let depth = path.length; depth > 0; depth -= 1) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined;
      if (node?.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  const parsed = schema.safeParse(document.toJS());
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => {
      const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
      const at = keys[0] === undefined ? issue.path : [...issue.path, keys[0]];
      return `${file}:${lineOf(at)}: ${[...at].join('.')}: ${issue.message}`;
    });
    throw new OperatorError(faults.join('\n'));
  }
  const mapping = parsed.data;
  if (mapping.truth?.pattern !== undefined) {
    try {
      new RegExp(mapping.truth.pattern);
    } catch {
      throw new OperatorError(`${file}:${lineOf(['truth', 'pattern'])}: truth.pattern: is no regular expression`);
    }
  }
  return { mapping, file, columns: columnsOf(mapping).map(({ name, path }) => ({ name, line: lineOf(path) })) };
}

function columnsOf(mapping: Mapping): { name: string; path: PropertyKey[] }[] {
  const found: { name: string; path: PropertyKey[] }[] = [];
  const walk = (value: unknown, path: PropertyKey[]): void => {
    const last = path.at(-1);
    if (typeof value === 'string') {
      if (!['kind', 'format', 'pattern'].includes(String(last))) found.push({ name: value, path });
    } else if (Array.isArray(value)) value.forEach((one, index) => walk(one, [...path, index]));
    else if (typeof value === 'object' && value !== null) {
      for (const [key, one] of Object.entries(value)) if (!['female', 'male'].includes(key)) walk(one, [...path, key]);
    }
  };
  const { key, truth, fields, attributes } = mapping;
  walk({ key, truth, fields, attributes }, []);
  return found;
}
