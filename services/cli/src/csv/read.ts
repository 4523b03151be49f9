import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { decoded } from '../importing/decode.js';
import { OperatorError } from '../suite.js';
import type { Mapping } from './mapping.js';

/** A record of a megabyte is none of a bank: as a rule a quote was opened and never closed. */
const MOST_CHARACTERS = 1_048_576;

/** One record of a file, or why it is none. */
export interface Cells {
  /** The line it begins on, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
  /** Why the record cannot be used as a whole; then `cells` may be anything. */
  readonly broken?: 'COLUMN_COUNT' | 'ENCODING_INVALID';
  /** The beginning of a broken record as it stands in the file. */
  readonly raw?: string;
}

/** The columns of a file and its records, as they come. */
export interface Table {
  readonly columns: readonly string[];
  readonly records: AsyncIterable<Cells>;
}

/**
 * Opens a CSV file as its mapping says (RFC 4180, with any separator and quote). Cells are text and stay text, whatever a
 * spreadsheet would make of them. Throws an OperatorError that names file and line for what ends the reading: a quote that
 * never closes or closes too early, a record of more than a megabyte, columns that the mapping names and the file lacks.
 */
export async function openTable(file: string, name: string, mapping: Mapping): Promise<Table> {
  const records = readRecords(file, name, mapping);
  const header = mapping.columns ? undefined : (await records.next()).value;
  if (!mapping.columns && (!header || header.broken)) {
    throw new OperatorError(`${name}:1: the file has no header that can be read`);
  }
  const columns = mapping.columns ?? (header as Cells).cells.map((cell) => cell.trim());
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined) throw new OperatorError(`${name}: the column "${twice}" occurs twice`);
  const used = [
    ...mapping.fields.flatMap((field) => field.columns.map((column) => ({ column, at: field.at }))),
    ...mapping.only,
  ];
  const absent = used.filter(({ column }) => !columns.includes(column));
  if (absent.length > 0) {
    const lines = absent.map(({ column, at }) => `  mapping ${at}: the file has no column "${column}"`);
    throw new OperatorError(`${name} does not fit the mapping:\n${lines.join('\n')}\n  it has ${columns.join(', ')}`);
  }
  return { columns, records: fitting(records, columns.length) };
}

async function* fitting(records: AsyncIterable<Cells>, width: number): AsyncGenerator<Cells> {
  for await (const record of records) {
    if (record.broken || record.cells.length === width) yield record;
    else if (record.cells.length > 1 || record.cells[0] !== '')
      yield { ...record, broken: 'COLUMN_COUNT', raw: record.cells.join(' ') };
  }
}

async function* readRecords(file: string, name: string, mapping: Mapping): AsyncGenerator<Cells, undefined> {
  let lines = mapping.skipLines;
  let fatal: CsvError | undefined;
  const parser = parse({
    delimiter: mapping.separator,
    quote: mapping.quote === '' ? null : mapping.quote,
    escape: mapping.quote === '' ? null : mapping.quote,
    info: true,
    bom: true,
    relax_column_count: true,
    skip_records_with_error: true,
    max_record_size: MOST_CHARACTERS,
    from_line: mapping.skipLines + 1,
    on_skip: (error) => {
      // After the first mistake nobody knows where records begin. What was read before is still given.
      if (fatal) return undefined;
      fatal = error;
      input.unpipe(parser);
      setImmediate(() => parser.end());
      return undefined;
    },
  });
  const input = Readable.from(decoded(file, mapping.encoding));
  input.on('error', (error) => parser.destroy(error));
  input.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      const line = lines + 1;
      lines = info.lines;
      const garbled = record.some((cell) => cell.includes('\uFFFD'));
      yield garbled
        ? { line, cells: record, broken: 'ENCODING_INVALID', raw: record.join(' ').slice(0, 200) }
        : { line, cells: record };
    }
    if (fatal) throw fatal;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new OperatorError(`${name}:${lines + 1}: ${reasonOf(error)}`);
  } finally {
    input.destroy();
    parser.destroy();
  }
  return undefined;
}

function reasonOf({ code, message }: CsvError): string {
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'a quote opens in the record that begins here and never closes';
  if (code === 'CSV_MAX_RECORD_SIZE') return 'the record that begins here is longer than a megabyte; is a quote open?';
  if (code === 'CSV_INVALID_CLOSING_QUOTE') return 'a quote closes before its cell ends; quotes in a cell are doubled';
  if (code === 'INVALID_OPENING_QUOTE')
    return 'a quote stands inside of a cell that does not begin with one; does the file use none (quote: none)?';
  return message;
}
