import { useQuery } from '@tanstack/react-query';
import { Card, DatePicker, Empty, Flex, Skeleton, Table } from 'antd';
import dayjs from 'dayjs';
import { lazy, Suspense, useMemo } from 'react';
import { useSearchParams } from 'react-router';
import { getSegmentFlows } from '../../api/segment-life.js';
import { Failed } from '../../shared/failed.js';
import { dayFromIso, formatCount } from '../../shared/format.js';
import { SegmentSelect, useSegmentTitles } from '../../shared/segment-select.js';
import { Day, PageHead } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { SegmentPlaces } from './segment-places.js';

const Chart = lazy(() => import('../../shared/chart.js'));

const MOST = 40;
/** One for each segment, the same on both sides. */
const colours = ['#0f766e', '#c2410c', '#4338ca', '#b45309', '#be185d', '#0369a1', '#4d7c0f', '#7c3aed'];

/** How customers went from segment to segment between a day and now: tiers, bands, or any segments of one's choice. */
export function FlowsPage() {
  const { t, language } = useWords();
  const [parameters, setParameters] = useSearchParams();
  const chosen = parameters.getAll('segment');
  const from = parameters.get('from') ?? dayjs().subtract(30, 'day').format('YYYY-MM-DD');
  const set = (segments: readonly string[], day: string): void => {
    const next = new URLSearchParams({ from: day });
    for (const one of segments) next.append('segment', one);
    setParameters(next, { replace: true });
  };
  const titles = useSegmentTitles(chosen);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['segment-flows', chosen, from],
    queryFn: ({ signal }) => {
      const day = dayFromIso(from);
      if (!day) throw new Error('a day is chosen always');
      return getSegmentFlows(chosen, day, signal);
    },
    enabled: chosen.length > 0,
    retry: false,
  });
  const flows = useMemo(() => data?.flows ?? [], [data]);
  const title = (name: string): string => (name ? (titles.get(name) ?? name) : t('flows.none'));
  const option = useMemo(() => {
    // The same segment stands on both sides, so that its names there are told apart.
    const node = (side: string, name: string) => `${side}${name}`;
    const colourOf = (name: string) => (name ? colours[chosen.indexOf(name) % colours.length] : '#94a3a3');
    const names = [...new Set(flows.flatMap(({ source, target }) => [node('a', source), node('b', target)]))];
    return {
      tooltip: {
        trigger: 'item',
        formatter: ({
          data: one,
          value,
          name,
        }: {
          data: { from?: string; to?: string };
          value: number;
          name: string;
        }) =>
          one.from === undefined
            ? `${title(name.slice(1))}: ${formatCount(value, language)}`
            : `${title(one.from)} → ${title(one.to ?? '')}: ${formatCount(value, language)}`,
      },
      series: [
        {
          type: 'sankey',
          nodeAlign: 'justify',
          layoutIterations: 0,
          emphasis: { focus: 'adjacency' },
          lineStyle: { color: 'gradient', opacity: 0.45 },
          label: { formatter: ({ name }: { name: string }) => title(name.slice(1)) },
          data: names.map((name) => ({
            name,
            depth: name.startsWith('a') ? 0 : 1,
            itemStyle: { color: colourOf(name.slice(1)) },
          })),
          links: flows.map(({ source, target, parties }) => ({
            source: node('a', source),
            target: node('b', target),
            value: Number(parties),
            from: source,
            to: target,
          })),
        },
      ],
    };
  }, [flows, titles, language, t]);
  return (
    <>
      <PageHead title={t('flows.title')} note={t('flows.note')} />
      <SegmentPlaces />
      <Card size="small">
        <Flex gap={12} wrap style={{ marginBottom: 16 }}>
          <SegmentSelect value={chosen} label={t('flows.choose')} most={MOST} onChange={(next) => set(next, from)} />
          <DatePicker
            aria-label={t('flows.from')}
            allowClear={false}
            value={dayjs(from)}
            onChange={(day) => (day ? set(chosen, day.format('YYYY-MM-DD')) : undefined)}
          />
        </Flex>
        {error ? <Failed error={error} retry={() => void refetch()} /> : null}
        {chosen.length === 0 ? <Empty description={t('flows.empty')} /> : null}
        {isFetching && !data ? <Skeleton active /> : null}
        {data && flows.length === 0 && chosen.length > 0 ? <Empty description={t('flows.nobody')} /> : null}
        {data && flows.length > 0 && chosen.length > 0 ? (
          <Flex vertical gap={16}>
            <Flex justify="space-between">
              <Day date={data.from} />
              <Day date={data.to} />
            </Flex>
            <Suspense fallback={<Skeleton active />}>
              <Chart option={option} height={Math.max(260, 60 * (chosen.length + 1))} name={t('flows.title')} />
            </Suspense>
            <Table
              size="small"
              rowKey={({ source, target }) => `${source} ${target}`}
              dataSource={flows}
              pagination={flows.length > 20 ? { pageSize: 20, size: 'small' } : false}
              columns={[
                { title: t('flows.source'), render: (_, { source }) => title(source) },
                { title: t('flows.target'), render: (_, { target }) => title(target) },
                {
                  title: t('preview.customers'),
                  align: 'right',
                  render: (_, { parties }) => formatCount(parties, language),
                },
              ]}
            />
          </Flex>
        ) : null}
      </Card>
    </>
  );
}
