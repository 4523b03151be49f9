import { useQuery } from '@tanstack/react-query';
import { Empty, Flex, Skeleton, Table, Typography } from 'antd';
import { lazy, Suspense, useMemo } from 'react';
import { type Metric, type MetricQuery, type MetricRow, queryMetric } from '../../api/reporting.js';
import { Failed } from '../../shared/failed.js';
import { isoDay } from '../../shared/format.js';
import { AsOf } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { arrange, currencyOf, formatFigure, hasPeriods, periodText, titleOf } from './figures.js';

const Chart = lazy(() => import('../../shared/chart.js'));

interface ChartProps {
  /** What `query` asks for, in the same order. */
  metrics: readonly Metric[];
  query: MetricQuery;
  /** `CHART_KIND_…` */
  kind: string;
  height?: number;
}

/** The answer of the reporting service as a chart, a number or a table. */
export function MetricChart({ metrics, query, kind, height = 300 }: ChartProps) {
  const { t, language, code } = useWords();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['metric', query],
    queryFn: ({ signal }) => queryMetric(query, signal),
    placeholderData: (last) => last,
  });
  const { grain } = query;
  const periods = hasPeriods(grain);
  const title = metrics.map((metric) => titleOf(metric, language)).join(', ');
  const unit = metrics[0]?.unit ?? '';
  const rows = useMemo(() => data?.rows ?? [], [data]);
  const scale = unit === 'METRIC_UNIT_MONEY' ? 100 : 1;
  const option = useMemo(() => {
    const { axis, series } = arrange(
      rows,
      grain,
      metrics.map((metric) => titleOf(metric, language)),
      (value) => (value ? code(value) : t('dashboard.unknown')),
    );
    const scaled = (value: number | undefined) => (value === undefined || value === null ? null : value / scale);
    const single = series[0];
    if (kind === 'CHART_KIND_PIE' && single) {
      return {
        tooltip: { trigger: 'item' },
        legend: { type: 'scroll', bottom: 0 },
        series: [
          {
            type: 'pie',
            radius: ['40%', '68%'],
            data: periods
              ? series.map(({ name, points }) => ({
                  name,
                  value: [...points.values()].reduce<number>((sum, value) => sum + (scaled(value) ?? 0), 0),
                }))
              : axis.map((name) => ({ name, value: scaled(single.points.get(name)) })),
          },
        ],
      };
    }
    const type = kind === 'CHART_KIND_LINE' && periods ? 'line' : 'bar';
    return {
      grid: { left: 8, right: 16, top: series.length > 1 ? 40 : 16, bottom: 8, containLabel: true },
      tooltip: { trigger: 'axis' },
      ...(series.length > 1 ? { legend: { type: 'scroll', top: 0 } } : {}),
      xAxis: { type: 'category', data: axis },
      yAxis: { type: 'value', scale: unit === 'METRIC_UNIT_SCORE' },
      series: series.map(({ name, points }) => ({
        type,
        name,
        barMaxWidth: 36,
        showSymbol: axis.length < 40,
        ...(type === 'bar' && series.length > 1 ? { stack: 'all' } : {}),
        data: axis.map((place) => scaled(points.get(place))),
      })),
    };
  }, [rows, grain, periods, kind, unit, scale, t, code, language, metrics]);
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (isPending) return <Skeleton active />;
  if (rows.length === 0) return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('dashboard.noRows')} />;
  const show = (row: MetricRow, index: number): string =>
    formatFigure(row.values[index]?.value, metrics[index]?.unit ?? '', currencyOf(row, query.dimensions), language);
  if (kind === 'CHART_KIND_NUMBER') {
    return (
      <Flex vertical gap={4}>
        {rows.slice(0, 3).map((row) => (
          <span
            key={`${row.dimensionValues.join()} ${row.periodStart ? isoDay(row.periodStart) : ''}`}
            className="number-tile"
          >
            {show(row, 0)}
          </span>
        ))}
        <AsOf time={data.asOf} />
      </Flex>
    );
  }
  if (kind === 'CHART_KIND_TABLE') {
    return (
      <Table<MetricRow>
        size="small"
        rowKey={(row) => `${row.dimensionValues.join('|')} ${row.periodStart ? isoDay(row.periodStart) : ''}`}
        dataSource={rows}
        pagination={{ pageSize: 10, size: 'small', hideOnSinglePage: true, showSizeChanger: false }}
        scroll={{ x: 'max-content' }}
        columns={[
          ...(periods
            ? [
                {
                  title: t('dashboard.period'),
                  render: (_: unknown, row: MetricRow) => (row.periodStart ? periodText(row.periodStart, grain) : ''),
                },
              ]
            : []),
          ...query.dimensions.map((dimension, index) => ({
            title: code(dimension),
            render: (_: unknown, row: MetricRow) => {
              const value = row.dimensionValues[index] ?? '';
              return value ? code(value) : <Typography.Text type="secondary">{t('dashboard.unknown')}</Typography.Text>;
            },
          })),
          ...metrics.map((metric, index) => ({
            title: titleOf(metric, language),
            align: 'right' as const,
            render: (_: unknown, row: MetricRow) => show(row, index),
          })),
        ]}
      />
    );
  }
  return (
    <>
      <Suspense fallback={<Skeleton active />}>
        <Chart option={option} height={height} name={title} />
      </Suspense>
      <AsOf time={data.asOf} />
    </>
  );
}
