import { type AttributeSpec, declareAttributes, findAttribute, isPrefix } from '../catalogue/catalogue.js';
import { isMap, isScalar, isSeq, LineCounter, type Node as YamlNode, parseDocument } from 'yaml';
import { z } from 'zod';
import type { Problem } from './problem.js';
import { readRule, readValue } from './read.js';
import { featuresOf, featuresOfOperand, type Feature, type Operand, type Rule, segmentsOf } from './tree.js';

const words = z.strictObject({ en: z.string().min(1).max(500), zh: z.string().min(1).max(500) });
const declaration = z.strictObject({
  /** As rules write it: `bank.salary`. */
  key: z.string().regex(/^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/, 'is written like bank.salary'),
  title: words,
  description: words,
  unit: words.optional(),
  data_class: z.enum(['C1', 'C2']),
  /** A value or a condition of the rule language: what it is made of. */
  value: z.string().min(1),
  /** Of a text: the only constants that it may be compared with. */
  values: z.array(z.string().min(1)).min(1).optional(),
});
type Declaration = z.infer<typeof declaration>;
const file = z.strictObject({ attributes: z.array(declaration).max(500) });

/** What declared attributes are made of, by key. Set once when the service starts. */
let definitions: ReadonlyMap<string, Operand | Rule> = new Map();

/** What a declared attribute is made of; undefined for those that the service knows by itself. */
export function definitionOf(key: string): Operand | Rule | undefined {
  return definitions.get(key);
}

/** Why a file of declared attributes is refused: one line for each fault, with the place of it. */
export class CatalogueFileError extends Error {}

/** Whether a definition is missing for a party: when a value in it is, or something is divided by what may be 0. */
function canBeMissing(operand: Operand): boolean {
  if ('feature' in operand) return findAttribute(operand.feature.key)?.missing ?? false;
  if ('parts' in operand) return operand.op === '/' || operand.parts.some(canBeMissing);
  return 'size' in operand && canBeMissing(operand.size);
}

function specOf(declared: Declaration, read: Operand | Rule): AttributeSpec {
  const rule = 'kind' in read ? read : undefined;
  const operand = 'kind' in read ? undefined : read;
  const features: Feature[] = rule ? featuresOf(rule) : featuresOfOperand(read as Operand);
  const specs = features.flatMap(({ key }) => findAttribute(key) ?? []);
  const direct = operand && 'feature' in operand ? findAttribute(operand.feature.key) : undefined;
  const { key, title, description, unit = direct?.unit, data_class: sensitivity, value: definition } = declared;
  const type = operand?.type ?? 'bool';
  return {
    key,
    type,
    // What is reckoned has decimals; what is taken as it is has them where that has.
    ...((direct ? direct.decimals : type === 'number') ? { decimals: true } : {}),
    ...(unit ? { unit } : {}),
    title,
    description,
    sensitivity,
    ...(declared.values
      ? { values: Object.fromEntries(declared.values.map((one) => [one, [one.toLowerCase()]])) }
      : {}),
    ...(direct?.range ? { range: direct.range } : {}),
    missing: operand ? canBeMissing(operand) : false,
    dated: specs.some(({ dated }) => dated),
    sources: [...new Set(specs.flatMap(({ sources }) => sources))].sort(),
    definition,
    column: (_args, sql) => sql.declared(key),
    words: () => title.en.toLowerCase(),
  };
}

/** What is wrong with one declaration beside its shape; a fault of the definition with its place in it. */
function faultOf(declared: Declaration): { field: string; problem: Problem | string } | undefined {
  if (findAttribute(declared.key)) return { field: 'key', problem: `${declared.key} is taken` };
  const word = declared.key.slice(0, declared.key.indexOf('.'));
  const ofBank = [...definitions.keys()].some((key) => key.startsWith(`${word}.`));
  if (isPrefix(word) && !ofBank)
    return { field: 'key', problem: `${word} is a word of the service; use one of the bank's own` };
  const read = readDefinition(declared.value);
  if ('problem' in read) return { field: 'value', problem: read.problem };
  if ('kind' in read.read && segmentsOf(read.read).length > 0) {
    return { field: 'value', problem: 'an attribute is not made of a segment' };
  }
  const type = 'kind' in read.read ? 'bool' : read.read.type;
  if (declared.values && type !== 'string')
    return { field: 'values', problem: `only a text has values, not a ${type}` };
  return undefined;
}

/** A value where it is one, else a condition. */
function readDefinition(text: string): { read: Operand | Rule } | { problem: Problem } {
  const value = readValue(text);
  if ('value' in value && value.value.type !== 'bool') return { read: value.value };
  const rule = readRule(text);
  if ('rule' in rule) return { read: rule.rule };
  // The fault of what it rather is.
  return 'problem' in value && rule.problem.reason === 'NOT_BOOLEAN' ? { problem: value.problem } : rule;
}

/**
 * Takes the attributes of a file into the catalogue, in place of those that were declared before. A definition may use
 * attributes that stand above it. Throws CatalogueFileError with every fault as `name:line:column: what`, and then has
 * declared nothing.
 */
export function declareCatalogue(text: string, name: string): number {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const faults = document.errors.map(({ message, pos }) => `${place(pos[0])}: ${message.split('\n')[0]}`);
  const nodeAt = (path: readonly PropertyKey[]): YamlNode | undefined => {
    // The nearest that there is: a key that is missing has no place of its own.
    for (let length = path.length; length >= 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true);
      if (isMap(node) || isSeq(node) || isScalar(node)) return node;
    }
    return undefined;
  };
  const at = (path: readonly PropertyKey[]) => nodeAt(path)?.range?.[0] ?? 0;
  if (faults.length > 0) throw new CatalogueFileError(faults.join('\n'));
  const parsed = file.safeParse(document.toJS());
  if (!parsed.success) {
    const found = parsed.error.issues.map(({ path, message }) => `${place(at(path))}: ${path.join('.')}: ${message}`);
    throw new CatalogueFileError(found.join('\n'));
  }
  const specs: AttributeSpec[] = [];
  const before = definitions;
  const read = new Map<string, Operand | Rule>();
  definitions = read;
  declareAttributes([]);
  for (const [index, declared] of parsed.data.attributes.entries()) {
    const fault = faultOf(declared);
    const definition = readDefinition(declared.value);
    if (fault) {
      const where = at(['attributes', index, fault.field]);
      faults.push(
        typeof fault.problem === 'string'
          ? `${place(where)}: ${declared.key}: ${fault.problem}`
          : `${place(where)}: ${declared.key}: at line ${fault.problem.line}, column ${fault.problem.column} of its value: ${fault.problem.message}`,
      );
    } else if ('read' in definition) {
      specs.push(specOf(declared, definition.read));
      read.set(declared.key, definition.read);
      declareAttributes(specs);
    }
  }
  if (faults.length === 0) return specs.length;
  definitions = before;
  declareAttributes([]);
  throw new CatalogueFileError(faults.join('\n'));
}
