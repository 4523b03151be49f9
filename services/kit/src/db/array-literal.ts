function quoted(text: string): string {
  const plain = !text.includes('"') && !text.includes('\\');
  return `"${plain ? text : text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/**
 * The text form of a Postgres array of strings, numbers, bigints, booleans, dates and nulls. pg would write the same,
 * at several times the cost; arrays of anything else (bytes, arrays, objects) are given back for it to write.
 */
export function arrayLiteral(values: readonly unknown[]): string | readonly unknown[] {
  let literal = '{';
  for (const value of values) {
    if (literal.length > 1) literal += ',';
    if (value === null || value === undefined) literal += 'NULL';
    else if (typeof value === 'string') literal += quoted(value);
    else if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') literal += value;
    else if (value instanceof Date) literal += quoted(value.toISOString());
    else return values;
  }
  return `${literal}}`;
}
