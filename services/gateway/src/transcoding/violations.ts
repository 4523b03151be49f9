import { type DescField, type DescMessage, fromJson, type JsonValue, type Registry } from '@bufbuild/protobuf';
import type { Violation } from '../errors.js';
import { fieldOf } from './transcoding.js';

const most = 20;

interface Search {
  registry: Registry;
  found: Violation[];
}

const isObject = (json: JsonValue): json is { [key: string]: JsonValue } =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** What the library says, without the type names that lead it and the value that it repeats. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : '';
  const reason = text.replace(/^cannot decode .*? from JSON:? ?/, '').replace(/,? got .*$/s, '');
  return reason === '' ? 'has the wrong form' : reason.slice(0, 200);
}

function inField(search: Search, owner: DescMessage, field: DescField, json: JsonValue, path: string): void {
  const before = search.found.length;
  const message = field.message?.typeName.startsWith('google.protobuf.') ? undefined : field.message;
  if (field.fieldKind === 'message' && message && isObject(json)) inMessage(search, message, json, `${path}.`);
  if (field.fieldKind === 'list' && message && Array.isArray(json)) {
    json.forEach((item, at) => {
      if (isObject(item)) inMessage(search, message, item, `${path}[${at}].`);
    });
  }
  if (search.found.length > before) return;
  try {
    fromJson(owner, { [field.jsonName]: json }, { registry: search.registry });
  } catch (error) {
    search.found.push({ field: path, description: reasonOf(error) });
  }
}

function inMessage(search: Search, message: DescMessage, json: { [key: string]: JsonValue }, prefix: string): void {
  for (const [key, value] of Object.entries(json)) {
    if (search.found.length >= most) return;
    const field = fieldOf(message, key);
    const path = `${prefix}${key.slice(0, 100)}`;
    if (field) inField(search, message, field, value, path);
    else search.found.push({ field: path, description: 'is unknown' });
  }
}

/** Where a JSON object does not fit its message and why, at most 20 places; for requests that were refused already. */
export function findViolations(
  message: DescMessage,
  json: { [key: string]: JsonValue },
  registry: Registry,
): Violation[] {
  const search: Search = { registry, found: [] };
  inMessage(search, message, json, '');
  return search.found;
}
