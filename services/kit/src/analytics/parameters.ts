/** A value for a `{name:Type}` placeholder. Dates are instants; they are written in UTC in the declared type. */
export type Parameter =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | readonly Parameter[]
  | { readonly [key: string]: Parameter };
export type Parameters = Readonly<Record<string, Parameter>>;

const placeholder = /\{\s*([A-Za-z_]\w*)\s*:\s*([^}]+?)\s*\}/g;

/** '2026-03-01 09:30:00.250' of an instant, in UTC. */
function utcText(value: Date): string {
  return value.toISOString().replace('T', ' ').replace('Z', '');
}

function write(value: Parameter, type: string): Parameter {
  if (value instanceof Date) {
    if (type.includes('DateTime64')) return utcText(value);
    if (type.includes('DateTime')) return utcText(value).slice(0, 19);
    return utcText(value).slice(0, 10);
  }
  if (Array.isArray(value)) return value.map((item: Parameter) => write(item, type));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, write(item, type)]));
  }
  return value;
}

/**
 * The parameters in the form that both engines read the same way. The embedded engine binds a JS Date as whole seconds
 * and refuses one for a Date column, so instants are written as text in the type that the placeholder declares.
 * Throws RangeError for a placeholder without a value: an unbound one would otherwise fail deep in the engine.
 */
export function bindParameters(sql: string, parameters: Parameters): Record<string, unknown> {
  const bound: Record<string, unknown> = {};
  for (const [, name, type] of sql.matchAll(placeholder)) {
    if (name === undefined || type === undefined) continue;
    const value = parameters[name];
    if (value === undefined) throw new RangeError(`no value for the placeholder {${name}:${type}}`);
    bound[name] = write(value, type);
  }
  return bound;
}

/** One row as JSON: bigint as a quoted integer (the engine reads those), Date as ISO 8601. */
export function rowToJson(row: unknown): string {
  return JSON.stringify(row, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}
