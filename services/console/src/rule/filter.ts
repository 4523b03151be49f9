import { textOf } from './attributes.js';

/** A map in the brackets of an attribute, `{"direction": "debit", "least": 100}`: its values as they are written. */
type Filter = Readonly<Record<string, string>>;

const entry = /\s*(?:"(\w+)"|'(\w+)')\s*:\s*("[^"\\]*"|'[^'\\]*'|-?\d+(?:\.\d+)?)\s*(,|$)/y;

/**
 * The map that an argument is, with values as CEL; a text stands for the first of the keys. Undefined when it is something
 * that cannot be edited key by key.
 */
export function readFilter(argument: string, keys: readonly string[]): Filter | undefined {
  if (argument === '') return {};
  const text = textOf(argument);
  if (text !== undefined) return keys[0] ? { [keys[0]]: JSON.stringify(text) } : undefined;
  const body = /^\{(.*)\}$/s.exec(argument)?.[1]?.trim();
  if (body === undefined) return undefined;
  const found: Record<string, string> = {};
  let position = 0;
  while (position < body.length) {
    entry.lastIndex = position;
    const match = entry.exec(body);
    const key = match?.[1] ?? match?.[2] ?? '';
    if (!match || !keys.includes(key) || key in found) return undefined;
    found[key] = match[3] ?? '';
    position = entry.lastIndex;
  }
  return found;
}

/** The argument for a map: nothing, the text that stands for its first key, or the map. */
export function writeFilter(filter: Filter, keys: readonly string[]): string {
  const set = keys.filter((key) => filter[key]);
  const [only] = set;
  if (only === undefined) return '';
  if (set.length === 1 && only === keys[0] && textOf(filter[only] ?? '') !== undefined) return filter[only] ?? '';
  return `{${set.map((key) => `${JSON.stringify(key)}: ${filter[key]}`).join(', ')}}`;
}
