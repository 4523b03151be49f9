import type { Parameter } from '@rapport/kit/analytics';
import type { FactTable } from '../fact/fact.js';

/** The types that values of a rule have. Whole numbers and numbers with decimals compare with each other. */
export type ValueType = 'number' | 'string' | 'bool' | 'date';

/** A text for people, in both languages. */
export interface Words {
  en: string;
  zh: string;
}

/** A checked map such as {"direction": "debit", "kind": "card"}: of a key the words that it stands for, or a number. */
export type Filter = Readonly<Record<string, readonly string[] | number>>;
/** A checked argument: a text, a length of time in milliseconds, or a map. */
export type Argument = string | number | Filter;
/** The checked arguments of an attribute by name; what was left out is not there. */
export type Arguments = Readonly<Record<string, Argument>>;

/** A key of a map in brackets. */
export interface FilterKey {
  /** The words that may stand there, each with what it stands for; undefined: any code, or a number. */
  values?: Readonly<Record<string, readonly string[]>>;
  number?: boolean;
}

/** What may stand in the brackets of an attribute. */
export interface ArgumentSpec {
  name: string;
  /** A `filter` is a map with the keys of `keys`, or a text that stands for the key `short`. */
  type: 'string' | 'duration' | 'filter';
  optional?: boolean;
  values?: readonly string[];
  keys?: Readonly<Record<string, FilterKey>>;
  short?: string;
  description: Words;
}

/** A value in SQL, and whether it can be NULL, which is missing. */
export interface Column {
  sql: string;
  nullable: boolean;
}

/** A value that another comes from, such as the day of the last transaction that was counted; NULL is none. */
export interface ValueSource {
  title: Words;
  type: ValueType;
  column: Column;
}

/** One grouped scan of a fact table, joined to the parties. Several attributes share one; it is read once. */
export interface Source {
  /** What its columns are called after; one letter or two, unlike all others. */
  alias: string;
  table: FactTable;
  /** A fixed condition on its rows. */
  where?: string;
  /** Columns by which its rows are first grouped within each party; what comes out is then put together by `total`. */
  per?: readonly string[];
  /**
   * What its rows are joined with, as the subquery `rows` becomes one with more columns; `limited` says whether it has only
   * those of some parties.
   */
  beside?(rows: string, limited: boolean): string;
}

/** What an attribute makes its SQL with: one day, one statement. */
export interface Columns {
  /** A bound value. */
  bind(value: Parameter, type: string): string;
  /** The day that is looked at, a number such as 19940331. */
  day(): string;
  /** The first day of the window of that length which ends `agoMs` before the end of the day. */
  firstDay(windowMs: number, agoMs?: number): string;
  /** The end of the day, less that length of time. */
  moment(beforeMs?: number): string;
  /** The day number on which a column of moments falls for the bank. */
  dayOf(column: string): string;
  /** The value of an aggregate over the rows of a source; `total` puts the parts of a source with `per` together. */
  from(source: Source, aggregate: string, total?: (part: string) => string): string;
  /** The value of an attribute that the bank declared. */
  declared(key: string): Column;
  /** The condition of being in the version in use of a segment. */
  member(segmentId: string): string;
  /** The id of the group of a partition in use, which is missing for those in none; undefined for any other scheme. */
  partition(schemeId: string): string | undefined;
}

/** One word of the rule language. */
export interface AttributeSpec {
  key: string;
  type: ValueType;
  /** Whether its numbers have decimals; comparison does not tell them apart. */
  decimals?: boolean;
  unit?: Words;
  title: Words;
  description: Words;
  /** The class of JR/T 0171-2020: C1 inside the bank, C2 tells of a person or their money. */
  sensitivity: 'C1' | 'C2' | 'C3';
  /** Undefined: written without brackets. */
  arguments?: readonly ArgumentSpec[];
  /** The only constants that it may be compared with, each with other spellings that are accepted. */
  values?: Readonly<Record<string, readonly string[]>>;
  /** The smallest and the largest number that it can be. */
  range?: { least?: number; most?: number };
  /** Whether it can be missing; then every comparison with it is false. */
  missing?: boolean;
  /** Whether its value depends on the day. */
  dated?: boolean;
  /** The events that it comes from, full message names. */
  sources: readonly string[];
  /** How soon after an event its value is right; seconds, unless said otherwise. */
  freshness?: 'seconds' | 'scheme_run';
  /** What the bank declared it to be made of, as rules write it. */
  definition?: string;
  /** What is wrong with arguments that are right each by itself; undefined when nothing is. */
  fault?(args: Arguments): string | undefined;
  /** Its value in SQL. Pure. */
  column(args: Arguments, sql: Columns): Column;
  /** What its value comes from, for people who ask why; rules cannot ask for it. Pure. */
  comesFrom?(args: Arguments, sql: Columns): readonly ValueSource[];
  /** It with these arguments in English words; the title, where there are none. */
  words?(args: Arguments): string;
}

/** A day that a value comes from; the column is a day number, 0 or NULL for none. */
export function dayBehind(en: string, zh: string, sql: string): ValueSource {
  return { title: { en, zh }, type: 'date', column: { sql: `nullIf(${sql}, 0)`, nullable: true } };
}

/** The day number, for the bank, of the last moment of those that meet a condition; 0 when there is none. */
export function lastDay(moments: string, condition: string, sql: Columns): string {
  return `if(countIf(${condition}) = 0, 0, toInt32(${sql.dayOf(`maxIf(${moments}, ${condition})`)}))`;
}

/** The argument of that name as a text. */
export function textOf(args: Arguments, name: string): string {
  const value = args[name];
  return typeof value === 'string' ? value : '';
}

/** The argument of that name as milliseconds; 0 when it was left out. */
export function lengthOf(args: Arguments, name: string): number {
  const value = args[name];
  return typeof value === 'number' ? value : 0;
}

/** The argument of that name as a map; empty when it was left out. */
export function filterOf(args: Arguments, name: string): Filter {
  const value = args[name];
  return typeof value === 'object' ? value : {};
}

/** A length of time in words: "30 days". */
export function lengthWords(milliseconds: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ] as const;
  const [name, size] = units.find(([, one]) => milliseconds % one === 0) ?? (['millisecond', 1] as const);
  const count = milliseconds / size;
  return count === 1 ? `1 ${name}` : `${count} ${name}s`;
}

/** The window of an attribute in words: "last 30 days". */
export function windowWords(milliseconds: number): string {
  return `last ${lengthWords(milliseconds).replace(/^1 /, '')}`;
}

/** Words that each stand for themselves. */
export function each(words: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(words.map((word) => [word, [word]]));
}

/** The conditions of a map on columns that are called as its keys are, unless told otherwise. */
export function conditionsOf(filter: Filter, sql: Columns, called: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(filter).map(([key, value]) => {
    const column = called[key] ?? key;
    if (typeof value === 'number') return `${column} ${sql.bind(value, 'Float64')}`;
    const [first = '', ...others] = value;
    return others.length === 0
      ? `${column} = ${sql.bind(first, 'String')}`
      : `${column} IN ${sql.bind(value, 'Array(String)')}`;
  });
}

/** What a map asks for, in brackets: " (groceries, card payment)"; nothing when it asks for nothing. */
export function filterWords(filter: Filter): string {
  const shown = Object.entries(filter).flatMap(([key, value]) =>
    typeof value === 'number' ? `${key} ${value}` : value,
  );
  return shown.length > 0 ? ` (${shown.join(', ').replaceAll('_', ' ')})` : '';
}

/** The window that most attributes of behaviour have. */
export const window: ArgumentSpec = {
  name: 'window',
  type: 'duration',
  description: {
    en: 'How far back from the end of the day, for example duration("720h").',
    zh: '从当日结束往前的时间长度，例如 duration("720h")。',
  },
};

/** How long before the end of the day a window ends. */
export const ago: ArgumentSpec = {
  name: 'ago',
  type: 'duration',
  optional: true,
  description: {
    en: 'How long before the end of the day the window ends; left out, it ends with the day.',
    zh: '时间窗在当日结束前多久结束；省略则到当日结束为止。',
  },
};
