import { createHash } from 'node:crypto';

/** Rows of one sort, from one service. */
export interface Collection {
  service: string;
  collection: string;
  sensitive: boolean;
  /** JSON objects as texts, in their order. */
  rows: string[];
}

/** A finished file. */
export interface ExportFile {
  file: string;
  service: string;
  rows: number;
  sensitive: boolean;
  bytes: Buffer;
  sha256: string;
}

/** A cell that a spreadsheet would run as a formula is led by an apostrophe; then quoted where RFC 4180 wants it. */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The rows as CSV: a heading with every field that any row has, in the order of their first use. */
export function csvOf(rows: readonly string[]): string {
  const parsed = rows.map((row) => JSON.parse(row) as Record<string, unknown>);
  const columns = [...new Set(parsed.flatMap((row) => Object.keys(row)))];
  const lines = parsed.map((row) => columns.map((column) => csvCell(row[column])).join(','));
  return `${[columns.map(csvCell).join(','), ...lines].join('\r\n')}\r\n`;
}

/** Makes the file of a collection, `{service}-{collection}.json` or `.csv`. */
export function exportFile({ service, collection, rows, sensitive }: Collection, format: 'json' | 'csv'): ExportFile {
  const text =
    format === 'csv'
      ? csvOf(rows)
      : `${JSON.stringify({ collection, service })?.slice(0, -1)},"rows":[\n${rows.join(',\n')}\n]}\n`;
  const bytes = Buffer.from(text);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { file: `${service}-${collection}.${format}`, service, rows: rows.length, sensitive, bytes, sha256 };
}
