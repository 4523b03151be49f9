import { stat } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { MatchRecord, Sex } from '@rapport/proto/customer/v1';
import { decoded } from '../importing/decode.js';
import { OperatorError } from '../suite.js';
import type { Mapping, MappingFile } from './mapping.js';

/** One row of a file. */
export interface FileRecord {
  record: MatchRecord;
  /** The line of the file where it ends. */
  line: number;
  key: string;
  /** Which party it is, as far as the file says; '' where it does not. */
  truth: string;
}

type Cells = (column: string) => string;

/** `YYYYMMDD` of a day as the format writes it; '' where it cannot be one. Wrong months and days are kept as they are. */
export function birthDigits(text: string, format: string): string {
  const order = ['YYYY', 'MM', 'DD'].toSorted((a, b) => format.indexOf(a) - format.indexOf(b));
  const groups = text.match(/\d+/g) ?? [];
  const parts: Record<string, string> = {};
  if (groups.length === 3) {
    order.forEach((part, at) => {
      parts[part] = (groups[at] as string).padStart(part.length, '0');
    });
  } else {
    const digits = groups.join('');
    if (digits.length !== 8) return '';
    let at = 0;
    for (const part of order) {
      parts[part] = digits.slice(at, at + part.length);
      at += part.length;
    }
  }
  const all = `${parts['YYYY']}${parts['MM']}${parts['DD']}`;
  return /^\d{8}$/.test(all) ? all : '';
}

function sexOf(text: string, { female, male }: { female: string[]; male: string[] }): Sex {
  const is = (words: string[]): boolean => words.some((word) => word.toLowerCase() === text.toLowerCase());
  return is(female) ? Sex.SEX_FEMALE : is(male) ? Sex.SEX_MALE : Sex.SEX_UNSPECIFIED;
}

/** A whole name in two: before and behind the one comma, else the last word and those before it. */
function splitName(name: string): { familyName: string; givenName: string } {
  const sides = name.split(',').map((side) => side.trim());
  if (sides.length === 2) return { familyName: sides[0] as string, givenName: sides[1] as string };
  const words = name.split(/\s+/);
  return { familyName: words.pop() ?? '', givenName: words.join(' ') };
}

/** The message of a row. */
export function recordOf({ fields, attributes }: Mapping, cell: Cells, dataset: number): MatchRecord {
  const text = (column: string | undefined, most = 200): string =>
    column === undefined ? '' : cell(column).slice(0, most);
  const texts = (columns: string[] | undefined, most = 200): string[] =>
    (columns ?? []).map((column) => text(column, most)).filter((value) => value !== '');
  let givenName = text(fields.given_name);
  let familyName = text(fields.family_name);
  if (givenName === '' && familyName === '') {
    ({ familyName, givenName } = splitName(text(fields.full_name)));
  }
  return {
    dataset,
    givenName,
    familyName,
    legalName: text(fields.legal_name),
    birthDate: fields.birth_date ? birthDigits(cell(fields.birth_date.column), fields.birth_date.format) : '',
    sex: fields.sex ? sexOf(cell(fields.sex.column), fields.sex) : Sex.SEX_UNSPECIFIED,
    addressLines: texts(fields.address_lines),
    houseNumber: text(fields.house_number, 40),
    locality: text(fields.locality),
    postalCode: text(fields.postal_code, 40),
    emails: texts(fields.emails, 254),
    phones: texts(fields.phones, 40),
    identifiers: (fields.identifiers ?? []).flatMap(({ column, kind, strong }) => {
      const value = text(column, 60);
      return value === '' ? [] : [{ kind, value, strong }];
    }),
    attributes: Object.values(attributes).map((column) => text(column)),
  };
}

/**
 * Reads a CSV file row by row in bounded memory: a byte order mark, CRLF, spaces around cells and quoted cells are taken
 * as they come. Throws an OperatorError that names the line of what cannot be read or is not of the encoding, or of the
 * mapping where it names a column that the file lacks.
 */
export async function* readRecords(file: string, from: MappingFile, dataset: number): AsyncGenerator<FileRecord> {
  const { mapping } = from;
  const found = await stat(file).catch(() => undefined);
  if (!found) throw new OperatorError(`${file} is not there.`);
  if (!found.isFile()) throw new OperatorError(`${file} is no file.`);
  const pattern = mapping.truth?.pattern === undefined ? undefined : new RegExp(mapping.truth.pattern);
  const parser = parse({
    delimiter: mapping.delimiter,
    bom: true,
    trim: true,
    relax_quotes: true,
    skip_empty_lines: true,
    info: true,
  });
  pipeline(Readable.from(decoded(file, mapping.encoding)), parser, () => undefined);
  let header: Map<string, number> | undefined;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (!header) {
        const names = record.map((name) => name.trim());
        const twice = names.find(
          (name, at) => names.indexOf(name) !== at && from.columns.some((one) => one.name === name),
        );
        if (twice !== undefined) throw new OperatorError(`${file}:${info.lines}: the column "${twice}" occurs twice`);
        header = new Map(names.map((name, at) => [name, at]));
        const absent = from.columns.filter(({ name }) => !header?.has(name));
        if (absent.length > 0) {
          const faults = absent.map(({ name, line }) => `${from.file}:${line}: ${file} has no column "${name}"`);
          throw new OperatorError([...faults, `its columns are: ${[...header.keys()].join(', ')}`].join('\n'));
        }
        continue;
      }
      if (record.some((text) => text.includes('\uFFFD'))) {
        const hint = 'say in the mapping what it is, for instance `encoding: windows-1250` or `encoding: gb18030`';
        throw new OperatorError(`${file}:${info.lines}: bytes that are no ${mapping.encoding}; ${hint}`);
      }
      const at = header;
      const cell: Cells = (column) => (record[at.get(column) as number] ?? '').trim();
      const said = mapping.truth ? cell(mapping.truth.column) : '';
      yield {
        record: recordOf(mapping, cell, dataset),
        line: info.lines,
        key: mapping.key === undefined ? '' : cell(mapping.key),
        truth: pattern ? (pattern.exec(said)?.[1] ?? '') : said,
      };
    }
  } catch (error) {
    if (error instanceof CsvError)
      throw new OperatorError(`${file}:${String(error['lines'] ?? '?')}: ${error.message}`);
    throw error;
  }
}
