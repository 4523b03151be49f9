import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Card, Col, DatePicker, Flex, Row, Segmented, Select, Skeleton, Typography } from 'antd';
import dayjs from 'dayjs';
import { useSearchParams } from 'react-router';
import {
  exportAddress,
  listDashboards,
  listMetrics,
  type Metric,
  type MetricQuery,
  type Tile,
} from '../../api/reporting.js';
import type { CalendarDate } from '../../api/types.js';
import { Failed } from '../../shared/failed.js';
import { dayFromIso } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { dimensionsFor, titleOf } from './figures.js';
import { MetricChart } from './metric-chart.js';

const grains = ['GRAIN_NONE', 'GRAIN_DAY', 'GRAIN_WEEK', 'GRAIN_MONTH', 'GRAIN_QUARTER', 'GRAIN_YEAR'];
const presets = [7, 30, 90, 365];
const overview = ['customers', 'transactions', 'messages-sent', 'cases-opened', 'cases-closed', 'referrals-won'];

function dayBefore(days: number): CalendarDate {
  const day = dayjs().subtract(days, 'day');
  return { year: day.year(), month: day.month() + 1, day: day.date() };
}

function queryOfTile(tile: Tile): MetricQuery {
  return {
    metrics: tile.metrics,
    dimensions: tile.dimensions,
    grain: tile.grain === 'GRAIN_UNSPECIFIED' ? 'GRAIN_NONE' : tile.grain,
    filters: tile.filters,
    ...(tile.lastDays > 0 ? { startDate: dayBefore(tile.lastDays - 1) } : {}),
  };
}

/** The tiles that somebody put together, or six figures over all time when nobody did. */
function Tiles({ metrics }: { metrics: Metric[] }) {
  const { language } = useWords();
  const { data, error, refetch } = useQuery({
    queryKey: ['dashboards'],
    queryFn: ({ signal }) => listDashboards(signal),
  });
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton active />;
  const byName = new Map(metrics.map((metric) => [metric.name, metric]));
  const stored = data.dashboards.flatMap(({ tiles }) => tiles);
  const tiles: Tile[] =
    stored.length > 0
      ? stored
      : overview.flatMap((id) => {
          const metric = byName.get(`metrics/${id}`);
          if (!metric) return [];
          const { titleEn, titleZh, name } = metric;
          const chart = 'CHART_KIND_NUMBER';
          return [
            {
              titleEn,
              titleZh,
              chart,
              metrics: [name],
              dimensions: [],
              grain: 'GRAIN_NONE',
              lastDays: 0,
              filters: [],
              width: 4,
            },
          ];
        });
  return (
    <Row gutter={[16, 16]}>
      {tiles.map((tile, index) => {
        const known = tile.metrics.flatMap((name) => byName.get(name) ?? []);
        return known.length === tile.metrics.length && known.length > 0 ? (
          <Col key={`${tile.titleEn} ${index}`} xs={24} md={Math.max(8, tile.width || 12)} xl={tile.width || 12}>
            <Card size="small" title={titleOf(tile, language)} style={{ height: '100%' }}>
              <MetricChart metrics={known} query={queryOfTile(tile)} kind={tile.chart} height={240} />
            </Card>
          </Col>
        ) : null;
      })}
    </Row>
  );
}

/** Any metric by any dimension, grain and range. The question stands in the address, so that it can be passed on. */
function Explorer({ metrics }: { metrics: Metric[] }) {
  const { t, label, code, language } = useWords();
  const { may } = useSession();
  const [parameters, setParameters] = useSearchParams();
  const metric =
    metrics.find(({ name }) => name === `metrics/${parameters.get('metric') ?? 'transactions'}`) ?? metrics[0];
  if (!metric) return <Alert type="info" showIcon title={t('dashboard.noMetrics')} />;
  const set = (changes: Record<string, string>): void => {
    const next = new URLSearchParams(parameters);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    setParameters(next, { replace: true });
  };
  const grain = parameters.get('grain') ?? 'GRAIN_MONTH';
  const chosen = (parameters.get('by') ?? '').split(',').filter(Boolean);
  const dimensions = dimensionsFor(metric, chosen);
  const from = parameters.get('from') ?? '';
  const to = parameters.get('to') ?? '';
  const startDate = dayFromIso(from);
  const endDate = dayFromIso(to);
  const query: MetricQuery = {
    metrics: [metric.name],
    dimensions,
    grain,
    ...(startDate ? { startDate } : {}),
    ...(endDate ? { endDate } : {}),
  };
  const kind = parameters.get('chart') ?? 'CHART_KIND_LINE';
  return (
    <Card
      size="small"
      title={t('dashboard.explore')}
      extra={
        may('exportFigures') ? (
          <Button href={exportAddress(query)} download>
            {t('dashboard.export')}
          </Button>
        ) : null
      }
    >
      <Flex gap={12} wrap style={{ marginBottom: 16 }}>
        <Select
          aria-label={t('dashboard.metric')}
          value={metric.name}
          style={{ minWidth: 240 }}
          showSearch={{ optionFilterProp: 'label' }}
          options={metrics.map((one) => ({ value: one.name, label: titleOf(one, language) }))}
          onChange={(name: string) => set({ metric: name.replace('metrics/', '') })}
        />
        <Select
          mode="multiple"
          aria-label={t('dashboard.dimensions')}
          placeholder={t('dashboard.dimensions')}
          value={chosen.filter((one) => metric.dimensions.includes(one))}
          maxCount={3}
          style={{ minWidth: 220 }}
          options={metric.dimensions.map((value) => ({ value, label: code(value) }))}
          onChange={(values: string[]) => set({ by: values.join(',') })}
        />
        <Select
          aria-label={t('dashboard.grain')}
          value={grain}
          style={{ minWidth: 120 }}
          options={grains.map((value) => ({ value, label: label(value) }))}
          onChange={(value: string) => set({ grain: value })}
        />
        <DatePicker.RangePicker
          aria-label={t('dashboard.range')}
          allowEmpty={[true, true]}
          value={[from ? dayjs(from) : null, to ? dayjs(to) : null]}
          presets={presets.map((days) => ({
            label: t('dashboard.lastDays', { days }),
            value: [dayjs().subtract(days - 1, 'day'), dayjs()],
          }))}
          onChange={(range) =>
            set({ from: range?.[0]?.format('YYYY-MM-DD') ?? '', to: range?.[1]?.format('YYYY-MM-DD') ?? '' })
          }
        />
        <Segmented<string>
          aria-label={t('dashboard.chart')}
          value={kind}
          options={['CHART_KIND_LINE', 'CHART_KIND_BAR', 'CHART_KIND_PIE'].map((value) => ({
            value,
            label: label(value),
          }))}
          onChange={(value) => set({ chart: value })}
        />
      </Flex>
      {language === 'en' ? <Typography.Paragraph type="secondary">{metric.description}</Typography.Paragraph> : null}
      <Row gutter={[16, 16]}>
        <Col xs={24} xl={15}>
          <MetricChart metrics={[metric]} query={query} kind={kind} height={360} />
        </Col>
        <Col xs={24} xl={9}>
          <MetricChart metrics={[metric]} query={query} kind="CHART_KIND_TABLE" />
        </Col>
      </Row>
    </Card>
  );
}

/** The figures of the person's part of the bank. */
export function DashboardPage() {
  const { t } = useWords();
  const metrics = useQuery({ queryKey: ['metrics'], queryFn: ({ signal }) => listMetrics(signal), staleTime: 300_000 });
  return (
    <>
      <PageHead title={t('menu.dashboard')} note={t('dashboard.note')} />
      {metrics.error ? <Failed error={metrics.error} retry={() => void metrics.refetch()} /> : null}
      {metrics.isPending ? <Skeleton active /> : null}
      {metrics.data ? (
        <Flex vertical gap={16}>
          <Tiles metrics={metrics.data.metrics} />
          <Explorer metrics={metrics.data.metrics} />
        </Flex>
      ) : null}
    </>
  );
}
