import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { SchemePlan } from '@rapport/proto/segmentation/v1';
import { OperatorError } from '../suite.js';

type Json = unknown;

const isMap = (value: Json): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keys as the contract's JSON has them: `enter_assets` is `enterAssets`. */
function camel(value: Json): Json {
  if (Array.isArray(value)) return value.map(camel);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      camel(one),
    ]),
  );
}

/** What the contract leaves out because it is what stands there anyway. */
const isDefault = (value: Json): boolean =>
  value === null || value === '' || value === 0 || value === false || (Array.isArray(value) && value.length === 0);

/** Where what was read of a file is not what stands in it: a misspelt key, a word where a number is needed. */
function* misread(given: Json, read: Json, path: string): Generator<string> {
  if (Array.isArray(given) && Array.isArray(read)) {
    for (const [index, one] of given.entries()) yield* misread(one, read[index], `${path}[${index}]`);
    return;
  }
  if (isMap(given) && isMap(read)) {
    for (const [key, one] of Object.entries(given)) {
      const at = path === '' ? key : `${path}.${key}`;
      if (read[key] === undefined && !isDefault(one)) yield `${at}: is not known here`;
      else if (read[key] !== undefined) yield* misread(one, read[key], at);
    }
    return;
  }
  if (String(given) !== String(read)) yield `${path}: ${JSON.stringify(given)} is not understood`;
}

/**
 * Reads the plan of a scheme from YAML or JSON: one of `bands`, `rules`, `tiers`, `rfm`, `clusters`, `lookalike` with what
 * it needs, keys as in the contract. Throws an OperatorError that says what is not understood, and where.
 */
export function readPlan(text: string, file: string): SchemePlan {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const [fault] = document.errors;
  if (fault) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new OperatorError(`${file}, line ${line}, column ${col}: ${fault.message.split('\n')[0] ?? ''}`);
  }
  const given = camel(document.toJS());
  if (!isMap(given))
    throw new OperatorError(
      `${file} holds no plan; it begins with bands:, rules:, tiers:, rfm:, clusters: or lookalike:`,
    );
  const plan = SchemePlan.fromJSON(given);
  if (!plan.kind || Object.keys(given).length !== 1) {
    throw new OperatorError(`${file} names exactly one of bands, rules, tiers, rfm, clusters and lookalike`);
  }
  const faults = [...misread(given, SchemePlan.toJSON(plan), '')];
  if (faults.length > 0) throw new OperatorError(faults.map((one) => `${file}: ${one}`).join('\n'));
  return plan;
}

/** The plan in a file. */
export function planFile(file: string): SchemePlan {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new OperatorError(`${file} cannot be read`);
  }
  return readPlan(text, file);
}
