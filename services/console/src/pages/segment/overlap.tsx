import { useQuery } from '@tanstack/react-query';
import { Empty, Flex, Skeleton, Spin, Table, Typography } from 'antd';
import { lazy, Suspense, useMemo, useState } from 'react';
import { Link } from 'react-router';
import { compareOverlap, type Overlap as Found } from '../../api/insight.js';
import { Failed } from '../../shared/failed.js';
import { dayFromIso, formatCount, formatNumber, idOf } from '../../shared/format.js';
import { SegmentSelect } from '../../shared/segment-select.js';
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

/** The same without a segment. */
function without(found: Found, segment: string): Found {
  const at = segment ? found.groups.findIndex(({ segmentVersion }) => segmentVersion.startsWith(`${segment}@`)) : -1;
  if (at < 0) return found;
  const moved = (group: number): number => (group > at ? group - 1 : group);
  const pairs = found.pairs
    .filter(({ first, second }) => first !== at && second !== at)
    .map((pair) => ({ ...pair, first: moved(pair.first), second: moved(pair.second) }));
  return { ...found, groups: found.groups.filter((_, index) => index !== at), pairs };
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
  const {
    data: found,
    error,
    isFetching,
    refetch,
  } = useQuery({
    queryKey: ['overlap', later, asOf, organisationPath, chosen],
    // Without segments the service takes the largest ones in use.
    queryFn: ({ signal }) => compareOverlap({ rule: later, asOf: dayFromIso(asOf), organisationPath }, chosen, signal),
    enabled: later.trim() !== '',
    placeholderData: (last) => last,
    staleTime: 30_000,
    retry: false,
  });
  const data = useMemo(() => (found ? without(found, except) : undefined), [found, except]);
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
  if (data && data.groups.length < 2 && chosen.length === 0) return <Empty description={t('overlap.none')} />;
  return (
    <Flex vertical gap={12}>
      <Flex align="center" gap={12} wrap>
        <SegmentSelect
          value={chosen}
          label={t('overlap.choose')}
          most={MOST}
          except={except ? [except] : []}
          onChange={setChosen}
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
