import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { MatchRecord, Sex } from '@rapport/proto/customer/v1';
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

/** The message of a row. */
export function recordOf({ fields, attributes }: Mapping, cell: Cells, dataset: number): MatchRecord {
  const text = (column: string | undefined, most = 200): string =>
    column === undefined ? '' : cell(column).slice(0, most);
  const texts = (columns: string[] | undefined, most = 200): string[] =>
    (columns ?? []).map((column) => text(column, most)).filter((value) => value !== '');
  let givenName = text(fields.given_name);
  let familyName = text(fields.family_name);
  if (givenName === '' && familyName === '') {
    const words = text(fields.full_name).split(/\s+/);
    familyName = words.pop() ?? '';
    givenName = words.join(' ');
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
 * as they come. Throws an OperatorError that names the line of what cannot be read, or of the mapping where it names a
 * column that the file lacks.
 */
export async function* readRecords(file: string, from: MappingFile, dataset: number): AsyncGenerator<FileRecord> {
  const { mapping } = from;
  const pattern = mapping.truth?.pattern === undefined ? undefined : new RegExp(mapping.truth.pattern);
  const parser = parse({
    delimiter: mapping.delimiter,
    bom: true,
    trim: true,
    relax_quotes: true,
    skip_empty_lines: true,
    info: true,
  });
  pipeline(createReadStream(file), parser, () => undefined);
  let header: Map<string, number> | undefined;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (!header) {
        header = new Map(record.map((name, at) => [name.trim(), at]));
        const absent = from.columns.filter(({ name }) => !header?.has(name));
        if (absent.length > 0) {
          const faults = absent.map(({ name, line }) => `${from.file}:${line}: ${file} has no column "${name}"`);
          throw new OperatorError([...faults, `its columns are: ${[...header.keys()].join(', ')}`].join('\n'));
        }
        continue;
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
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new OperatorError(`${file} is not there.`);
    throw error;
  }
}
