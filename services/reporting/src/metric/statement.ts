import type { Parameter } from '@rapport/kit/analytics';
import type { Scope } from '@rapport/kit/db';
import { readSettings, visible } from '../fact/fact.js';
import { type CatalogueEntry, factsOf } from './catalogue.js';
import type { Figures, PeriodGrain } from './metric.js';

/** One row as the engine gives it: `d0`… the dimensions, `v0`… the values, null where a value is not defined. */
export interface FigureRow {
  [column: `d${number}`]: string;
  [column: `v${number}`]: string | null;
  /** YYYY-MM-DD; absent without a grain. */
  period?: string;
  /** When the newest event of the row was published, in milliseconds. */
  newest: number;
}

interface Statement {
  text: string;
  parameters: Record<string, Parameter>;
}

const periods: Readonly<Record<PeriodGrain, string>> = {
  day: 'occurred_date',
  week: 'toMonday(occurred_date)',
  month: 'toStartOfMonth(occurred_date)',
  quarter: 'toStartOfQuarter(occurred_date)',
  year: 'toStartOfYear(occurred_date)',
};

/** Counts and sums are exact at any size: they travel as text. The names are constants of the catalogue. */
function valueOf({ fact, aggregate }: CatalogueEntry): string {
  const own = `fact = '${fact}'`;
  switch (aggregate) {
    case 'count':
      return `toString(countIf(${own}))`;
    case 'amount':
      return `toString(sumIf(toInt128(amount_minor), ${own}))`;
    case 'average_score':
      return `toString(round(avgOrNullIf(score, ${own}), 6))`;
    case 'average_hours':
      return `toString(round(avgOrNullIf(seconds, ${own}) / 3600, 6))`;
    case 'share_in_time':
      return `toString(round(100 * avgOrNullIf(in_time = 'true', ${own} AND in_time != ''), 6))`;
    case 'golden_records':
      return `toString(toInt64(countIf(fact IN ('${fact}', 'unmerges'))) - toInt64(countIf(fact = 'merges')))`;
  }
}

/** The engine stores no day outside of these. */
function storable(day: string): string {
  if (day < '1900-01-01') return '1900-01-01';
  return day > '2299-12-31' ? '2299-12-31' : day;
}

/**
 * The one statement that computes figures. Identifiers are constants of the catalogue, everything else is bound, and the
 * row security of the caller is always among the conditions. Rows are ordered by period and then by dimension values;
 * what has no fact has no row.
 */
export function statementOf(figures: Figures, scope: Scope, under: string, limit?: number): Statement {
  const { metrics, dimensions, grain, from, to, filters } = figures;
  const seen = visible(scope, under);
  const parameters: Record<string, Parameter> = { ...seen.parameters };
  const conditions = [
    `fact IN (${[...new Set(metrics.flatMap(factsOf))].map((fact) => `'${fact}'`).join(', ')})`,
    seen.text,
  ];
  if (from) {
    conditions.push('occurred_date >= {from:Date32}');
    parameters['from'] = storable(from);
  }
  if (to) {
    conditions.push('occurred_date <= {to:Date32}');
    parameters['to'] = storable(to);
  }
  [...filters].forEach(([dimension, values], index) => {
    conditions.push(`${dimension} IN {filter${index}:Array(String)}`);
    parameters[`filter${index}`] = values;
  });
  const groups = [...(grain ? ['period'] : []), ...dimensions.map((_, index) => `d${index}`)];
  const columns = [
    ...(grain ? [`${periods[grain]} AS period`] : []),
    ...dimensions.map((dimension, index) => `toString(${dimension}) AS d${index}`),
    ...metrics.map((metric, index) => `${valueOf(metric)} AS v${index}`),
    'toUnixTimestamp64Milli(max(recorded_time)) AS newest',
  ];
  if (limit !== undefined) parameters['limit'] = limit;
  const text = [
    `SELECT ${columns.join(', ')}`,
    `FROM fact FINAL WHERE ${conditions.join(' AND ')}`,
    groups.length > 0 ? `GROUP BY ${groups.join(', ')}` : '',
    'HAVING count() > 0',
    groups.length > 0 ? `ORDER BY ${groups.join(', ')}` : '',
    limit === undefined ? '' : 'LIMIT {limit:UInt32}',
    readSettings,
  ];
  return { text: text.filter((line) => line !== '').join('\n'), parameters };
}
