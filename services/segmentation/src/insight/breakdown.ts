import type { Parameter } from '@rapport/kit/analytics';
import { AttributeType, type Breakdown, type DistributionCell } from '@rapport/proto/segmentation/v1';
import { type AttributeSpec, findAttribute } from '../catalogue/catalogue.js';
import { fail } from '../errors.js';
import { type Operand, operandWords, readValue } from '../rule/rule.js';

/** How many texts are told apart; the further ones are the rest. */
const MOST_VALUES = 30;

/** What is described where nothing is asked for. */
const USUAL = ['party.age', 'party.sex', 'party.region', 'holdings.balance', 'holdings.count()'];

const BANDS = {
  years: [18, 26, 36, 46, 56, 66, 76],
  days: [8, 31, 91, 181, 366, 731],
  amounts: [0, 1000, 5000, 10_000, 50_000, 100_000, 500_000, 1_000_000],
  shares: [-0.5, -0.2, -0.05, 0.05, 0.2, 0.5],
  counts: [1, 2, 3, 4, 5, 10, 20, 50, 100],
};

/** One attribute to be described, read. */
export interface Described {
  attribute: string;
  value: Operand;
  description: string;
  type: AttributeType;
  /** Where bands begin; empty for texts. */
  bounds: readonly number[];
}

function usualBounds(spec: AttributeSpec | undefined): number[] {
  const unit = spec?.unit?.en ?? '';
  if (unit === 'years') return BANDS.years;
  if (unit === 'days') return BANDS.days;
  if (!spec || unit.startsWith('currency')) return BANDS.amounts;
  return spec.decimals ? BANDS.shares : BANDS.counts;
}

const types = {
  string: AttributeType.ATTRIBUTE_TYPE_STRING,
  bool: AttributeType.ATTRIBUTE_TYPE_BOOL,
  date: AttributeType.ATTRIBUTE_TYPE_DATE,
} as const;

/** Reads what is to be described; nothing means the usual. Throws RULE_INVALID, BOUNDS_INVALID. Pure. */
export function readBreakdowns(asked: readonly Breakdown[]): Described[] {
  const wanted = asked.length > 0 ? asked : USUAL.map((attribute) => ({ attribute, bounds: [] }));
  return wanted.map(({ attribute, bounds }, index) => {
    const field = `breakdowns[${index}]`;
    const read = readValue(attribute);
    if ('problem' in read) {
      const { line, column, reason, message } = read.problem;
      throw fail('RULE_INVALID', {
        metadata: { line: String(line), column: String(column), rule_reason: reason },
        violations: [{ field: `${field}.attribute`, description: `line ${line}, column ${column}: ${message}` }],
      });
    }
    const { value } = read;
    const number = value.type === 'number';
    if (bounds.some((bound, at) => at > 0 && bound <= (bounds[at - 1] ?? bound)) || (!number && bounds.length > 0)) {
      const description = number ? 'must rise' : 'only numbers have bands';
      throw fail('BOUNDS_INVALID', { violations: [{ field: `${field}.bounds`, description }] });
    }
    const spec = 'feature' in value ? findAttribute(value.feature.key) : undefined;
    const decimal = !spec || spec.decimals;
    const numberType = decimal ? AttributeType.ATTRIBUTE_TYPE_DOUBLE : AttributeType.ATTRIBUTE_TYPE_INT;
    return {
      attribute,
      value,
      description: operandWords(value),
      type: value.type === 'number' ? numberType : types[value.type],
      bounds: !number ? [] : bounds.length > 0 ? bounds : usualBounds(spec),
    };
  });
}

/** The cell of a party as text in SQL: the number of its band, its text, the year of its day; '' is missing. */
export function cellSql(
  { value, bounds }: Described,
  sql: string,
  prefix: string,
): { text: string; parameters: Record<string, Parameter> } {
  if (value.type === 'string') return { text: `ifNull(toString(${sql}), '')`, parameters: {} };
  if (value.type === 'bool') return { text: `if(ifNull(${sql}, 0), 'true', 'false')`, parameters: {} };
  if (value.type === 'date') return { text: `ifNull(toString(intDiv(${sql}, 10000)), '')`, parameters: {} };
  const names = bounds.map((_, index) => `${prefix}_${index}`);
  const steps = names.map((name, index) => `toFloat64(${sql}) >= {${name}:Float64}, '${index + 1}'`).reverse();
  return {
    text: `multiIf(isNull(${sql}), '', ${steps.join(', ')}, '0')`,
    parameters: Object.fromEntries(names.map((name, index) => [name, bounds[index] ?? 0])),
  };
}

/** What the store found for one value of one attribute. */
export interface Found {
  value: string;
  count: number;
  population: number;
}

type Cell = Omit<DistributionCell, 'count' | 'population' | 'hidden'> & { count: number; population: number };

const NO_CELL = { value: '', from: undefined, to: undefined, missing: false, rest: false };

/** The cells in the order in which they are shown: bands or texts, then the rest, then missing values. Pure. */
export function cellsOf({ value, bounds }: Described, found: readonly Found[], total: Omit<Found, 'value'>): Cell[] {
  const by = new Map(found.map((one) => [one.value, one]));
  const none = by.get('');
  const missing: Cell[] = none ? [{ ...NO_CELL, missing: true, count: none.count, population: none.population }] : [];
  if (value.type === 'number') {
    const bands = [undefined, ...bounds].map((from, index) => ({
      ...NO_CELL,
      from,
      to: bounds[index],
      count: by.get(String(index))?.count ?? 0,
      population: by.get(String(index))?.population ?? 0,
    }));
    return [...bands, ...missing];
  }
  const told = found.filter((one) => one.value !== '').slice(0, MOST_VALUES);
  const cells = told.map((one): Cell => ({ ...NO_CELL, ...one }));
  const sum = [...cells, ...missing].reduce(
    (all, { count, population }) => ({ count: all.count + count, population: all.population + population }),
    { count: 0, population: 0 },
  );
  const rest = { count: total.count - sum.count, population: total.population - sum.population };
  return [...cells, ...(rest.population > 0 ? [{ ...NO_CELL, rest: true, ...rest }] : []), ...missing];
}
