import { useQuery } from '@tanstack/react-query';
import { Empty, Flex, Select, Skeleton, Spin, Table, Typography } from 'antd';
import { lazy, Suspense, useMemo, useState } from 'react';
import { Link } from 'react-router';
import { compareOverlap, type Overlap as Found } from '../../api/insight.js';
import { listSegments } from '../../api/segmentation.js';
import { Failed } from '../../shared/failed.js';
import { dayFromIso, formatCount, formatNumber, idOf } from '../../shared/format.js';
import { useLater } from '../../shared/use-later.js';
import { useWords } from '../../shared/words.js';

const Chart = lazy(() => import('../../shared/chart.js'));

const compareAfterMs = 900;
const MOST = 20;

interface Row {
  name: string;
  title: string;
  count: number;
  both: number;
  hidden: boolean;
}

/** The groups beside the rule with what they have in common with it, the most first. */
function rowsOf({ groups, pairs }: Found): Row[] {
  const rows = pairs
    .filter(({ first }) => first === 0)
    .map(({ second, both, hidden }) => ({
      name: groups[second]?.segmentVersion ?? '',
      title: groups[second]?.title ?? '',
      count: Number(groups[second]?.count ?? 0),
      both: Number(both),
      hidden: hidden || (groups[second]?.hidden ?? false),
    }));
  return rows.sort((a, b) => b.both - a.both || b.count - a.count);
}

interface OverlapProps {
  rule: string;
  /** `1994-03-31`, or empty for today. */
  asOf: string;
  organisationPath: string;
  /** The segment that the rule is of, which it is not compared with. */
  except?: string;
}

/** How many of a rule's customers are in other segments too, and how the segments overlap among themselves. */
export function Overlap({ rule, asOf, organisationPath, except = '' }: OverlapProps) {
  const { t, language } = useWords();
  const [chosen, setChosen] = useState<string[]>([]);
  const later = useLater(rule, compareAfterMs);
  const segments = useQuery({
    queryKey: ['segments', 'to-compare'],
    queryFn: ({ signal }) => listSegments('', signal, 200),
    staleTime: 60_000,
  });
  const offered = useMemo(
    () =>
      (segments.data?.segments ?? [])
        .filter(({ name, publishedVersion }) => publishedVersion > 0 && name !== except)
        .map(({ name, title }) => ({ value: name, label: title })),
    [segments.data, except],
  );
  const compared = chosen.length > 0 ? chosen : offered.slice(0, MOST).map(({ value }) => value);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['overlap', later, asOf, organisationPath, compared],
    queryFn: ({ signal }) =>
      compareOverlap({ rule: later, asOf: dayFromIso(asOf), organisationPath }, compared, signal),
    enabled: later.trim() !== '' && compared.length > 0,
    placeholderData: (last) => last,
    staleTime: 30_000,
    retry: false,
  });
  const rows = useMemo(() => (data ? rowsOf(data) : []), [data]);
  const own = Number(data?.groups[0]?.count ?? 0);
  const option = useMemo(() => {
    const names = [t('overlap.rule'), ...(data?.groups.slice(1).map(({ title }) => title) ?? [])];
    const size = (at: number) => Number(data?.groups[at]?.count ?? 0);
    const points = (data?.pairs ?? []).flatMap(({ first, second, both, hidden }) => {
      const share = (of: number) => (hidden || of === 0 ? 0 : Math.round((1000 * Number(both)) / of) / 10);
      return [
        [second, first, share(size(first))],
        [first, second, share(size(second))],
      ];
    });
    return {
      grid: { left: 8, right: 8, top: 8, bottom: 8, containLabel: true },
      tooltip: {
        formatter: ({ value: [x = 0, y = 0, share = 0] }: { value: number[] }) =>
          t('overlap.cell', { row: names[y], column: names[x], share: formatNumber(share, language, 1) }),
      },
      xAxis: { type: 'category', data: names, axisLabel: { rotate: 35, width: 110, overflow: 'truncate' } },
      yAxis: { type: 'category', data: names, inverse: true, axisLabel: { width: 140, overflow: 'truncate' } },
      visualMap: { min: 0, max: 100, show: false, inRange: { color: ['#f3f8f7', '#0f766e'] } },
      series: [{ type: 'heatmap', data: points, label: { show: names.length <= 8, formatter: '{@[2]} %' } }],
    };
  }, [data, language, t]);
  if (rule.trim() === '') return <Empty description={t('preview.empty')} />;
  if (segments.error) return <Failed error={segments.error} retry={() => void segments.refetch()} />;
  if (segments.data && offered.length === 0) return <Empty description={t('overlap.none')} />;
  return (
    <Flex vertical gap={12}>
      <Flex align="center" gap={12} wrap>
        <Select
          mode="multiple"
          maxCount={MOST}
          value={chosen}
          options={offered}
          aria-label={t('overlap.choose')}
          placeholder={t('overlap.choose')}
          showSearch={{ optionFilterProp: 'label' }}
          style={{ minWidth: 320, flex: 1 }}
          onChange={(next: string[]) => setChosen(next)}
        />
        {isFetching || later !== rule ? <Spin size="small" /> : null}
      </Flex>
      {error ? <Failed error={error} retry={() => void refetch()} /> : null}
      {!data && !error ? <Skeleton active /> : null}
      {data && !error ? (
        <>
          <Table<Row>
            size="small"
            rowKey="name"
            dataSource={rows}
            pagination={rows.length > 10 ? { pageSize: 10, size: 'small' } : false}
            columns={[
              {
                title: t('campaign.segment'),
                render: (_, { name, title }) => (
                  <Link to={`/segments/${idOf(name).replace(/@\d+$/, '')}`}>{title}</Link>
                ),
              },
              {
                title: t('segment.members'),
                align: 'right',
                render: (_, { count, hidden }) => (hidden ? t('insight.few') : formatCount(count, language)),
              },
              {
                title: t('overlap.both'),
                align: 'right',
                render: (_, { both, hidden }) => (hidden ? t('insight.few') : formatCount(both, language)),
              },
              {
                title: t('overlap.shareOfRule'),
                align: 'right',
                render: (_, { both, hidden }) =>
                  hidden || own === 0 ? '–' : `${formatNumber((100 * both) / own, language, 1)} %`,
              },
              {
                title: t('overlap.shareOfSegment'),
                align: 'right',
                render: (_, { both, count, hidden }) =>
                  hidden || count === 0 ? '–' : `${formatNumber((100 * both) / count, language, 1)} %`,
              },
            ]}
          />
          <Typography.Text type="secondary">{t('overlap.matrix')}</Typography.Text>
          <Suspense fallback={<Skeleton active />}>
            <Chart option={option} height={140 + data.groups.length * 32} name={t('overlap.title')} />
          </Suspense>
        </>
      ) : null}
    </Flex>
  );
}
