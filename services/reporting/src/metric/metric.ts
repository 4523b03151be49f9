import { DateTime } from 'luxon';
import type { Violation } from '@rapport/kit/rpc';
import { Grain, type Metric } from '@rapport/proto/reporting/v1';
import { fail } from '../errors.js';
import type { FactDimension } from '../fact/fact.js';
import { type CatalogueEntry, catalogue } from './catalogue.js';

/** What to compute, as requests and tiles say it. */
export interface FigureQuery {
  metrics: readonly string[];
  dimensions: readonly string[];
  grain: Grain;
  startDate?: DateParts | undefined;
  endDate?: DateParts | undefined;
  filters: readonly string[];
}

interface DateParts {
  year: number;
  month: number;
  day: number;
}

/** A query whose names were found in the catalogue: nothing in it but values comes from outside. */
export interface Figures {
  metrics: CatalogueEntry[];
  dimensions: FactDimension[];
  grain: PeriodGrain | undefined;
  /** YYYY-MM-DD, both included. */
  from?: string;
  to?: string;
  filters: ReadonlyMap<FactDimension, string[]>;
}

export type PeriodGrain = 'day' | 'week' | 'month' | 'quarter' | 'year';

const grains: ReadonlyMap<Grain, PeriodGrain | undefined> = new Map([
  [Grain.GRAIN_UNSPECIFIED, undefined],
  [Grain.GRAIN_NONE, undefined],
  [Grain.GRAIN_DAY, 'day'],
  [Grain.GRAIN_WEEK, 'week'],
  [Grain.GRAIN_MONTH, 'month'],
  [Grain.GRAIN_QUARTER, 'quarter'],
  [Grain.GRAIN_YEAR, 'year'],
] as const);

function violation(reason: Parameters<typeof fail>[0], at: Violation) {
  return fail(reason, { violations: [at] });
}

function isDimension(entry: CatalogueEntry, id: string): id is FactDimension {
  return (entry.dimensions as readonly string[]).includes(id);
}

/** The dimension of that id, which every metric must have. */
function dimensionOf(metrics: readonly CatalogueEntry[], id: string, field: string): FactDimension {
  for (const metric of metrics) {
    if (!isDimension(metric, id)) {
      const has = metric.dimensions.join(', ');
      throw violation('DIMENSION_UNKNOWN', { field, description: `metrics/${metric.id} has ${has}` });
    }
  }
  return id as FactDimension;
}

function dateOf(date: DateParts | undefined, field: string): string | undefined {
  if (!date) return undefined;
  const day = DateTime.fromObject({ year: date.year, month: date.month, day: date.day }, { zone: 'utc' });
  if (!day.isValid) throw violation('DATE_INVALID', { field, description: 'is no day of the calendar' });
  return day.toISODate();
}

/**
 * Finds everything that a query names. Throws METRIC_UNKNOWN, DIMENSION_UNKNOWN, GRAIN_UNSUPPORTED, DATE_INVALID or
 * RANGE_REVERSED, each with the field; `at` is the path of the query in its request, such as `dashboard.tiles[2].`.
 */
export function resolve(query: FigureQuery, at = ''): Figures {
  const metrics = query.metrics.map((name, index) => {
    const entry = catalogue.get(name.slice('metrics/'.length));
    if (!name.startsWith('metrics/') || !entry) {
      throw violation('METRIC_UNKNOWN', {
        field: `${at}metrics[${index}]`,
        description: 'is no metric of the catalogue: see ListMetrics',
      });
    }
    return entry;
  });
  const dimensions = query.dimensions.map((id, index) => dimensionOf(metrics, id, `${at}dimensions[${index}]`));
  const filters = new Map<FactDimension, string[]>();
  query.filters.forEach((filter, index) => {
    const field = `${at}filters[${index}]`;
    const sign = filter.indexOf('=');
    const dimension = dimensionOf(metrics, filter.slice(0, sign), field);
    filters.set(dimension, [...(filters.get(dimension) ?? []), filter.slice(sign + 1)]);
  });
  if (!grains.has(query.grain)) {
    throw violation('GRAIN_UNSUPPORTED', { field: `${at}grain`, description: 'is no grain that metrics have' });
  }
  const from = dateOf(query.startDate, `${at}start_date`);
  const to = dateOf(query.endDate, `${at}end_date`);
  if (from && to && to < from) {
    throw violation('RANGE_REVERSED', { field: `${at}end_date`, description: 'lies before start_date' });
  }
  return {
    metrics,
    dimensions,
    grain: grains.get(query.grain),
    ...(from && { from }),
    ...(to && { to }),
    filters,
  };
}

/** The metrics by id. */
export const metricIds: readonly string[] = [...catalogue.keys()].sort();

/** One metric of the catalogue, as callers see it. */
export function metricMessage(id: string): Metric {
  const { titleEn, titleZh, unit, dimensions, description } = catalogue.get(id) as CatalogueEntry;
  return {
    name: `metrics/${id}`,
    titleEn,
    titleZh,
    unit,
    dimensions: [...dimensions],
    grains: [...grains.keys()].filter((grain) => grain !== Grain.GRAIN_UNSPECIFIED),
    description,
  };
}
