import { isMap, isScalar, isSeq, LineCounter, parseDocument, type ParsedNode, type YAMLMap } from 'yaml';
import { isEncoding } from '../importing/decode.js';
import { catalogue, type Field, type RowKind } from './catalogue.js';
import { allowedText } from './nearest.js';

/** How one field is filled. */
export interface FieldMapping {
  readonly name: string;
  readonly field: Field;
  /** The columns that it is read from, joined by `join`; none for a constant. */
  readonly columns: readonly string[];
  readonly join: string;
  /** The constant. */
  readonly value?: string;
  readonly prefix: string;
  /** The source's words → the words of the field. */
  readonly map?: ReadonlyMap<string, string>;
  /** Stands in for an empty value. */
  readonly default?: string;
  readonly required: boolean;
  readonly format?: string;
  readonly decimal: string;
  readonly group: string;
  /** The amounts are in minor units already. */
  readonly minor: boolean;
  readonly negate: boolean;
  /** What separates the items of a list. */
  readonly split: string;
  /** Where the mapping says so, for messages about columns: `12:5`. */
  readonly at: string;
}

/** A mapping that keeps all rules. */
export interface Mapping {
  readonly rows: RowKind;
  readonly encoding: string;
  readonly separator: string;
  /** Empty where the file quotes nothing: `none` in the mapping. */
  readonly quote: string;
  /** The names of the columns where the file has no header. */
  readonly columns?: readonly string[];
  readonly skipLines: number;
  /** What counts as no value. */
  readonly empty: ReadonlySet<string>;
  readonly currency: string;
  readonly zone: string;
  /** Only rows whose column holds one of the values are taken; the others are passed over. */
  readonly only: readonly { readonly column: string; readonly values: ReadonlySet<string>; readonly at: string }[];
  readonly fields: readonly FieldMapping[];
}

/** A mistake in a mapping, with its place. */
export interface Mistake {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

const top = [
  'rows',
  'encoding',
  'separator',
  'quote',
  'columns',
  'skip_lines',
  'empty',
  'currency',
  'date',
  'time',
  'zone',
  'decimal',
  'group',
  'only',
  'fields',
];
const inField = [
  'column',
  'columns',
  'join',
  'value',
  'prefix',
  'map',
  'default',
  'required',
  'format',
  'decimal',
  'group',
  'unit',
  'negate',
  'split',
];
const ENCODINGS = [
  'utf-8',
  'utf-16le',
  'utf-16be',
  'gb18030',
  'gbk',
  'big5',
  'windows-1250',
  'windows-1252',
  'iso-8859-1',
  'iso-8859-2',
  'shift_jis',
  'euc-kr',
];

/**
 * Reads a mapping. Gives it, or every mistake in it with line and column and with what is allowed there. Changes nothing.
 */
export function readMapping(yaml: string): { mapping: Mapping } | { mistakes: Mistake[] } {
  const counter = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: counter, uniqueKeys: true });
  const mistakes: Mistake[] = [];
  const say = (offset: number, message: string): void => {
    const { line, col } = counter.linePos(offset);
    mistakes.push({ line, column: col, message });
  };
  for (const error of document.errors) say(error.pos[0], error.message.split('\n')[0] ?? '');
  if (mistakes.length > 0) return { mistakes };
  const root = document.contents;
  if (!isMap(root)) {
    say(root?.range[0] ?? 0, `a mapping is a list of keys; allowed are ${top.join(', ')}`);
    return { mistakes };
  }
  const at = (node: ParsedNode | null | undefined): number => node?.range[0] ?? 0;
  const pairs = (map: YAMLMap.Parsed, allowed: readonly string[], what: string): Map<string, ParsedNode | null> => {
    const found = new Map<string, ParsedNode | null>();
    for (const { key, value } of map.items) {
      const name = isScalar(key) ? String(key.value) : '';
      if (allowed.includes(name)) found.set(name, value);
      else say(at(key), `unknown ${what} "${name}": ${allowedText(name, allowed)}`);
    }
    return found;
  };
  const scalar = (node: ParsedNode | null | undefined, what: string): string | undefined => {
    if (isScalar(node) && ['string', 'number', 'boolean'].includes(typeof node.value)) {
      // As it is written: 0007 stays 0007.
      return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
    }
    if (node) say(at(node), `${what} must be one value`);
    return undefined;
  };
  const texts = (node: ParsedNode | null | undefined, what: string): string[] => {
    if (isSeq(node)) return node.items.map((item) => scalar(item as ParsedNode, what) ?? '');
    const one = scalar(node, what);
    return one === undefined ? [] : [one];
  };
  const flag = (node: ParsedNode | null | undefined, what: string): boolean => {
    if (!node) return false;
    if (isScalar(node) && typeof node.value === 'boolean') return node.value;
    say(at(node), `${what} must be true or false`);
    return false;
  };
  const character = (node: ParsedNode | null | undefined, what: string, otherwise: string): string => {
    const value = scalar(node, what);
    if (value === undefined) return otherwise;
    const named = value === 'tab' ? '\t' : value;
    if (named.length !== 1) say(at(node), `${what} must be one character, or tab`);
    return named;
  };

  const found = pairs(root, top, 'key');
  const kinds = Object.keys(catalogue);
  const rows = scalar(found.get('rows'), 'rows');
  if (rows === undefined) say(at(root), `"rows" is missing: it says what each row is; allowed are ${kinds.join(', ')}`);
  else if (!kinds.includes(rows)) say(at(found.get('rows')), `unknown rows "${rows}": ${allowedText(rows, kinds)}`);
  const encoding = (scalar(found.get('encoding'), 'encoding') ?? 'utf-8').toLowerCase();
  if (!isEncoding(encoding))
    say(at(found.get('encoding')), `unknown encoding "${encoding}": ${allowedText(encoding, ENCODINGS)}`);
  const separator = character(found.get('separator'), 'separator', ',');
  const unquoted = scalar(found.get('quote'), 'quote') === 'none';
  const quote = unquoted ? '' : character(found.get('quote'), 'quote', '"');
  const skip = scalar(found.get('skip_lines'), 'skip_lines') ?? '0';
  if (!/^\d{1,4}$/.test(skip)) say(at(found.get('skip_lines')), 'skip_lines must be 0 to 9999');
  const currency = scalar(found.get('currency'), 'currency') ?? '';
  if (currency !== '' && !/^[A-Z]{3}$/.test(currency))
    say(at(found.get('currency')), 'currency must be three capital letters, ISO 4217');
  const zone = scalar(found.get('zone'), 'zone') ?? 'UTC';
  if (!isZone(zone)) say(at(found.get('zone')), `"${zone}" is no time zone; write one such as Europe/Prague`);
  const formats = {
    date: scalar(found.get('date'), 'date') ?? 'yyyy-MM-dd',
    time: scalar(found.get('time'), 'time') ?? 'iso',
    decimal: character(found.get('decimal'), 'decimal', '.'),
    group: found.has('group') ? character(found.get('group'), 'group', '') : '',
  };
  checkFormat(formats.date, 'date', found.get('date'));
  checkFormat(formats.time, 'time', found.get('time'));

  const only: Mapping['only'][number][] = [];
  const filters = found.get('only');
  if (filters && !isMap(filters)) say(at(filters), 'only must name columns, each with the values to take');
  else if (isMap(filters)) {
    for (const { key, value } of (filters as YAMLMap.Parsed).items) {
      const { line, col } = counter.linePos(at(key));
      only.push({
        column: scalar(key, 'a column') ?? '',
        values: new Set(texts(value, 'a value')),
        at: `${line}:${col}`,
      });
    }
  }

  const fields: FieldMapping[] = [];
  const node = found.get('fields');
  const known: Readonly<Record<string, Field>> | undefined =
    rows !== undefined && kinds.includes(rows) ? catalogue[rows as RowKind] : undefined;
  if (!isMap(node)) {
    say(at(node ?? root), '"fields" is missing: it says from which column each field comes');
  } else if (known) {
    const names = Object.keys(known);
    for (const { key, value } of (node as YAMLMap.Parsed).items) {
      const name = isScalar(key) ? String(key.value) : '';
      const field = known[name];
      if (!field) say(at(key), `a ${rows} has no field "${name}": ${allowedText(name, names)}`);
      else {
        const mapped = fieldMapping(name, field, key, value);
        if (mapped) fields.push(mapped);
      }
    }
    for (const [name, field] of Object.entries(known)) {
      if (field.required && !fields.some((one) => one.name === name))
        say(at(node), `field "${name}" is missing: a ${rows} needs it`);
    }
    if (
      fields.some(({ field }) => field.type === 'money') &&
      currency === '' &&
      !fields.some(({ name }) => name === 'currency')
    ) {
      say(at(root), '"currency" is missing: say it for the whole file, or map the field currency');
    }
  }
  if (mistakes.length > 0) return { mistakes: mistakes.sort((a, b) => a.line - b.line || a.column - b.column) };
  return {
    mapping: {
      rows: rows as RowKind,
      encoding,
      separator,
      quote,
      ...(found.has('columns') && { columns: texts(found.get('columns'), 'columns') }),
      skipLines: Number(skip),
      empty: new Set(['', ...texts(found.get('empty'), 'empty')]),
      currency,
      zone,
      only,
      fields,
    },
  };

  function fieldMapping(
    name: string,
    field: Field,
    key: ParsedNode,
    value: ParsedNode | null,
  ): FieldMapping | undefined {
    const { line, col } = counter.linePos(at(key));
    const common = {
      name,
      field,
      join: ' ',
      prefix: '',
      required: field.required === true,
      minor: false,
      negate: false,
      split: '|',
      at: `${line}:${col}`,
    };
    if (!isMap(value)) {
      const column = scalar(value, `field "${name}"`);
      if (column === undefined) {
        if (!value) say(at(key), `field "${name}" names no column`);
        return undefined;
      }
      return { ...common, columns: [column], ...defaultsOf(field) };
    }
    const parts = pairs(value as YAMLMap.Parsed, inField, `key of field "${name}"`);
    const columns = [...texts(parts.get('column'), 'column'), ...texts(parts.get('columns'), 'columns')];
    const constant = scalar(parts.get('value'), 'value');
    if (columns.length === 0 && constant === undefined) say(at(value), `field "${name}" needs a column or a value`);
    if (columns.length > 0 && constant !== undefined)
      say(at(parts.get('value')), `field "${name}" has a column and a value; give one of them`);
    const unit = scalar(parts.get('unit'), 'unit') ?? 'major';
    if (!['major', 'minor'].includes(unit))
      say(at(parts.get('unit')), `unknown unit "${unit}": allowed are major, minor`);
    const map = mapOf(name, field, parts.get('map'));
    const fallback = scalar(parts.get('default'), 'default');
    for (const [word, where] of [
      [constant, 'value'],
      [fallback, 'default'],
    ] as const) {
      if (word === undefined || !field.words || Object.hasOwn(field.words, word)) continue;
      say(
        at(parts.get(where)),
        `${where} "${word}" is none of the words of "${name}": ${allowedText(word, Object.keys(field.words))}`,
      );
    }
    const format = scalar(parts.get('format'), 'format');
    if (format !== undefined && (field.type === 'date' || field.type === 'time'))
      checkFormat(format, field.type, parts.get('format'));
    const defaults = defaultsOf(field);
    return {
      ...common,
      ...defaults,
      columns,
      join: scalar(parts.get('join'), 'join') ?? ' ',
      ...(constant !== undefined && { value: constant }),
      prefix: scalar(parts.get('prefix'), 'prefix') ?? '',
      ...(map && { map }),
      ...(fallback !== undefined && { default: fallback }),
      required: field.required === true || flag(parts.get('required'), 'required'),
      ...(format !== undefined && { format }),
      decimal: parts.has('decimal') ? character(parts.get('decimal'), 'decimal', '.') : defaults.decimal,
      group: parts.has('group') ? character(parts.get('group'), 'group', '') : defaults.group,
      minor: unit === 'minor',
      negate: flag(parts.get('negate'), 'negate'),
      split: parts.has('split') ? character(parts.get('split'), 'split', '|') : '|',
    };
  }

  function defaultsOf(field: Field): { format?: string; decimal: string; group: string } {
    const format = field.type === 'date' ? formats.date : field.type === 'time' ? formats.time : undefined;
    return { ...(format !== undefined && { format }), decimal: formats.decimal, group: formats.group };
  }

  function mapOf(
    name: string,
    field: Field,
    map: ParsedNode | null | undefined,
  ): ReadonlyMap<string, string> | undefined {
    if (!map) return undefined;
    if (!isMap(map)) {
      say(at(map), 'map must list the words of the file, each with the word of the field');
      return undefined;
    }
    const words = new Map<string, string>();
    for (const { key, value } of (map as YAMLMap.Parsed).items) {
      const word = scalar(value, 'a word') ?? '';
      if (field.words && !Object.hasOwn(field.words, word)) {
        say(
          at(value ?? key),
          `"${word}" is none of the words of "${name}": ${allowedText(word, Object.keys(field.words))}`,
        );
      }
      words.set(scalar(key, 'a word') ?? '', word);
    }
    return words;
  }

  function checkFormat(format: string, type: 'date' | 'time', where: ParsedNode | null | undefined): void {
    if (type === 'time' && format === 'iso') return;
    const needed = type === 'date' ? ['y', 'M', 'd'] : ['y', 'M', 'd', 'H', 'm'];
    const missing = needed.filter((letter) => !format.includes(letter));
    if (missing.length > 0) {
      say(
        at(where),
        `"${format}" is no ${type} format: it lacks ${missing.join(', ')}; letters are yyyy, yy, MM, M, dd, d, HH, mm, ss${type === 'time' ? ', or write iso' : ''}`,
      );
    }
  }
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
