import { ask, get, queryString } from './client.js';
import type { CalendarDate, Paged } from './types.js';

export interface Metric {
  /** `metrics/{id}`. */
  name: string;
  titleEn: string;
  titleZh: string;
  unit: string;
  dimensions: string[];
  grains: string[];
  description: string;
}

export interface Tile {
  titleEn: string;
  titleZh: string;
  chart: string;
  metrics: string[];
  dimensions: string[];
  grain: string;
  lastDays: number;
  filters: string[];
  width: number;
}

export interface Dashboard {
  name: string;
  titleEn: string;
  titleZh: string;
  tiles: Tile[];
}

export interface MetricQuery {
  metrics: string[];
  dimensions: string[];
  grain: string;
  startDate?: CalendarDate;
  endDate?: CalendarDate;
  filters?: string[];
}

export interface MetricRow {
  dimensionValues: string[];
  periodStart?: CalendarDate;
  values: { value?: number }[];
}

export const listMetrics = (signal?: AbortSignal) =>
  get<{ metrics: Metric[] } & Paged>('metrics', { pageSize: 1000 }, signal);

export const listDashboards = (signal?: AbortSignal) =>
  get<{ dashboards: Dashboard[] } & Paged>('dashboards', { pageSize: 100 }, signal);

export const queryMetric = (query: MetricQuery, signal?: AbortSignal) =>
  ask<{ rows: MetricRow[]; asOf: string }>('metrics:query', query, signal);

const dayText = (date: CalendarDate | undefined): string =>
  date
    ? `${String(date.year).padStart(4, '0')}-${String(date.month).padStart(2, '0')}-${String(date.day).padStart(2, '0')}`
    : '';

/** The address of the same answer as CSV. */
export function exportAddress({ metrics, dimensions, grain, startDate, endDate, filters = [] }: MetricQuery): string {
  const range = { startDate: dayText(startDate), endDate: dayText(endDate) };
  return `/api/v1/metrics:exportCsv${queryString({ metrics, dimensions, grain, filters, ...range })}`;
}
