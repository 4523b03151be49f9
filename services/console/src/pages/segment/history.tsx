import { useQuery } from '@tanstack/react-query';
import { Card, Empty, Segmented, Skeleton } from 'antd';
import dayjs from 'dayjs';
import { lazy, Suspense, useMemo, useState } from 'react';
import { getSegmentHistory, type SegmentDay } from '../../api/segment-life.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, formatDay, isoDay } from '../../shared/format.js';
import { useWords } from '../../shared/words.js';

const Chart = lazy(() => import('../../shared/chart.js'));

const spans = [30, 90, 365];

/** What happened on a day in all versions together; only one of them has members. */
function byDay(days: readonly SegmentDay[]): { day: string; members: number; entered: number; exited: number }[] {
  const found = new Map<string, { day: string; members: number; entered: number; exited: number }>();
  for (const { day, members, entered, exited } of days) {
    const key = isoDay(day);
    const one = found.get(key) ?? { day: key, members: 0, entered: 0, exited: 0 };
    one.members += Number(members);
    one.entered += Number(entered);
    one.exited += Number(exited);
    found.set(key, one);
  }
  return [...found.values()];
}

/** How many members a segment had from day to day, with who came and left. */
export function History({ id }: { id: string }) {
  const { t, language } = useWords();
  const [span, setSpan] = useState(90);
  const from = dayjs().subtract(span, 'day').format('YYYY-MM-DD');
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['segment-history', id, from],
    queryFn: ({ signal }) => getSegmentHistory(id, from, signal),
  });
  const days = useMemo(() => byDay(data?.days ?? []), [data]);
  const option = useMemo(() => {
    const today = dayjs().format('YYYY-MM-DD');
    const last = days.at(-1);
    const size = days.map(({ day, members }): [string, number] => [day, members]);
    // Between two days the size stays as it was, until today.
    if (last && last.day < today) size.push([today, last.members]);
    const date = (value: string) => {
      const [year = 0, month = 0, day = 0] = value.slice(0, 10).split('-').map(Number);
      return formatDay({ year, month, day }, language);
    };
    return {
      grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
      legend: { top: 0, left: 0 },
      tooltip: {
        trigger: 'axis',
        formatter: (points: { seriesName: string; value: [string, number] }[]) =>
          [
            date(points[0]?.value[0] ?? ''),
            ...points.map(({ seriesName, value }) => `${seriesName}: ${formatCount(Math.abs(value[1]), language)}`),
          ].join('<br>'),
      },
      xAxis: { type: 'time', min: from, minInterval: 86_400_000, axisLabel: { hideOverlap: true } },
      yAxis: { type: 'value', minInterval: 1 },
      series: [
        {
          type: 'line',
          name: t('segment.members'),
          step: 'end',
          showSymbol: days.length < 30,
          areaStyle: { opacity: 0.12 },
          data: size,
        },
        {
          type: 'bar',
          name: t('segmentHistory.entered'),
          barMaxWidth: 10,
          data: days.map(({ day, entered }) => [day, entered]),
        },
        {
          type: 'bar',
          name: t('segmentHistory.exited'),
          barMaxWidth: 10,
          data: days.map(({ day, exited }) => [day, -exited]),
        },
      ],
    };
  }, [days, from, language, t]);
  return (
    <Card
      size="small"
      title={t('segmentHistory.title')}
      extra={
        <Segmented
          size="small"
          value={span}
          options={spans.map((value) => ({ value, label: t('segmentHistory.days', { days: value }) }))}
          onChange={setSpan}
        />
      }
    >
      {error ? <Failed error={error} retry={() => void refetch()} /> : null}
      {isPending ? <Skeleton active /> : null}
      {data && days.length === 0 ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('segmentHistory.none')} />
      ) : null}
      {data && days.length > 0 ? (
        <Suspense fallback={<Skeleton active />}>
          <Chart option={option} height={260} name={t('segmentHistory.title')} />
        </Suspense>
      ) : null}
    </Card>
  );
}
