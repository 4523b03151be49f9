/** Writes a result to stdout: one JSON object with `--json`, else lines for a reader. */
export function print(json: boolean, result: unknown, lines: () => Iterable<string>): void {
  if (json) {
    process.stdout.write(
      `${JSON.stringify(result, (_key, value) => (typeof value === 'bigint' ? Number(value) : value), 2)}\n`,
    );
    return;
  }
  for (const line of lines()) process.stdout.write(`${line}\n`);
}

/** Rows under a heading, each column as wide as its widest cell. */
export function* table(heading: readonly string[], rows: readonly (readonly (string | number)[])[]): Generator<string> {
  const cells = [heading, ...rows.map((row) => row.map(String))];
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  for (const row of cells) {
    yield row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  }
}
