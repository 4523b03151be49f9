import type { Metric, MetricRow } from '../../api/reporting.js';
import type { CalendarDate } from '../../api/types.js';
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
}

const maxSeries = 8;

/** `2026`, `2026-Q1`, `2026-01` or the day, whatever the length of the periods needs. */
export function periodText(start: CalendarDate, grain: string): string {
  const day = isoDay(start);
  if (grain === 'GRAIN_YEAR') return day.slice(0, 4);
  if (grain === 'GRAIN_QUARTER') return `${day.slice(0, 4)}-Q${Math.ceil(start.month / 3)}`;
  return grain === 'GRAIN_MONTH' ? day.slice(0, 7) : day;
}

/** Whether a grain cuts the range into periods. */
export function hasPeriods(grain: string): boolean {
  return grain !== 'GRAIN_NONE' && grain !== 'GRAIN_UNSPECIFIED';
}

/**
 * Rows for a chart. With periods, the axis are the periods and each combination of dimension values is a series;
 * without, the combinations are the axis. Several metrics make a series each. Only the largest series are drawn; the
 * table has all. `titles` are those of the metrics, `wordOf` names a dimension value.
 */
export function arrange(
  rows: readonly MetricRow[],
  grain: string,
  titles: readonly string[],
  wordOf: (value: string) => string,
): Figures {
  const axis = new Set<string>();
  const byName = new Map<string, Series>();
  for (const { dimensionValues, periodStart, values } of rows) {
    const combination = dimensionValues.map(wordOf).join(' · ');
    const place = hasPeriods(grain) && periodStart ? periodText(periodStart, grain) : combination;
    axis.add(place);
    titles.forEach((title, index) => {
      const parts = [titles.length > 1 ? title : '', hasPeriods(grain) ? combination : ''];
      const name = parts.filter(Boolean).join(' · ') || title;
      const series = byName.get(name) ?? { name, points: new Map() };
      byName.set(name, series);
      series.points.set(place, values[index]?.value);
    });
  }
  const size = ({ points }: Series): number =>
    [...points.values()].reduce<number>((sum, value) => sum + Math.abs(value ?? 0), 0);
  const series = [...byName.values()].sort((a, b) => size(b) - size(a)).slice(0, maxSeries);
  const places = [...axis];
  return { axis: hasPeriods(grain) ? places.sort() : places, series };
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
