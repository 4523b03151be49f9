import type { Metric, MetricRow } from '../../api/reporting.js';
import { formatMoney, formatNumber, isoDay } from '../../shared/format.js';

type Language = 'en' | 'zh';

/** One line, bar row or slice of a chart. */
export interface Series {
  name: string;
  /** By period, or by the one value of the dimension; undefined where nothing is defined. */
  points: Map<string, number | undefined>;
}

export interface Figures {
  /** The periods or dimension values along the axis, in order. */
  axis: string[];
  series: Series[];
  total: number;
}

const maxSeries = 8;

/**
 * Rows of one metric for a chart. With periods, the axis are the periods and each combination of dimension values is a
 * series; without, the combinations are the axis. Only the largest series are drawn; the table has all.
 */
export function arrange(rows: readonly MetricRow[], hasPeriods: boolean, unknown: string): Figures {
  const axis = new Set<string>();
  const byName = new Map<string, Series>();
  let total = 0;
  for (const { dimensionValues, periodStart, values } of rows) {
    const combination = dimensionValues.map((value) => value || unknown).join(' · ');
    const place = hasPeriods && periodStart ? isoDay(periodStart) : combination;
    const name = hasPeriods ? combination : '';
    axis.add(place);
    const series = byName.get(name) ?? { name, points: new Map() };
    byName.set(name, series);
    series.points.set(place, values[0]?.value);
    total += values[0]?.value ?? 0;
  }
  const size = ({ points }: Series): number =>
    [...points.values()].reduce<number>((sum, value) => sum + Math.abs(value ?? 0), 0);
  const series = [...byName.values()].sort((a, b) => size(b) - size(a)).slice(0, maxSeries);
  const places = [...axis];
  return { axis: hasPeriods ? places.sort() : places, series, total };
}

/** The currency of a row, when the metric is split by it. */
export function currencyOf(row: MetricRow, dimensions: readonly string[]): string {
  return row.dimensionValues[dimensions.indexOf('currency')] ?? '';
}

/** A value in the metric's unit. Money without a known currency is shown in whole units of 100 minor ones. */
export function formatFigure(value: number | undefined, unit: string, currency: string, language: Language): string {
  if (value === undefined || value === null) return '–';
  switch (unit) {
    case 'METRIC_UNIT_MONEY':
      return currency
        ? formatMoney({ minorUnits: String(Math.round(value)), currencyCode: currency }, language)
        : formatNumber(value / 100, language, 2);
    case 'METRIC_UNIT_PERCENT':
      return `${formatNumber(value, language, 1)} %`;
    case 'METRIC_UNIT_COUNT':
      return formatNumber(value, language, 0);
    default:
      return formatNumber(value, language, 2);
  }
}

/** What a metric is called. */
export function titleOf(metric: { titleEn: string; titleZh: string }, language: Language): string {
  return language === 'zh' && metric.titleZh ? metric.titleZh : metric.titleEn;
}

/** Money is never added up over currencies: such a metric is always split by them. */
export function dimensionsFor(metric: Metric, chosen: readonly string[]): string[] {
  const possible = chosen.filter((one) => metric.dimensions.includes(one));
  const needsCurrency = metric.unit === 'METRIC_UNIT_MONEY' && metric.dimensions.includes('currency');
  return needsCurrency && !possible.includes('currency') ? [...possible, 'currency'] : possible;
}
