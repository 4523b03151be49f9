import { useInfiniteQuery } from '@tanstack/react-query';
import { Button, DatePicker, Empty, Flex, Select, Skeleton } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { listTimeline, wholeTimeline } from '../../api/customer.js';
import { channels } from '../../api/types.js';
import { Failed } from '../../shared/failed.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';
import { Entry, keyOf } from './timeline-entry.js';

const kinds = ['TRANSACTION', 'INTERACTION', 'BEHAVIOUR', 'CAMPAIGN', 'CASE', 'LIFE_EVENT'].map(
  (kind) => `TIMELINE_ENTRY_KIND_${kind}`,
);

/** What happened, newest first; more is loaded on the way down. */
export function TimelinePart({ id }: { id: string }) {
  const { t, label } = useWords();
  const [filter, setFilter] = useState(wholeTimeline);
  const { data, error, isPending, refetch, fetchNextPage, hasNextPage, isFetchingNextPage, dataUpdatedAt } =
    useInfiniteQuery({
      queryKey: ['party', id, 'timeline', filter],
      queryFn: ({ pageParam, signal }) => listTimeline(id, filter, pageParam, signal),
      initialPageParam: '',
      getNextPageParam: (last) => last.nextPageToken || undefined,
    });
  const box = useRef<HTMLDivElement>(null);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!end.current || !hasNextPage || isFetchingNextPage) return undefined;
    const watch = new IntersectionObserver(
      (seen) => {
        if (seen.some(({ isIntersecting }) => isIntersecting)) void fetchNextPage();
      },
      { root: box.current, rootMargin: '200px' },
    );
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const entries = data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <Part title={t('customer.timeline')} asOf={dataUpdatedAt ? new Date(dataUpdatedAt).toISOString() : undefined}>
      <Flex gap={8} wrap style={{ marginBottom: 8 }}>
        <Select
          mode="multiple"
          allowClear
          size="small"
          style={{ minWidth: 220 }}
          aria-label={t('customer.timelineKind')}
          placeholder={t('timeline.allKinds')}
          value={[...filter.kinds]}
          options={kinds.map((value) => ({ value, label: label(value) }))}
          onChange={(chosen: string[]) => setFilter({ ...filter, kinds: chosen })}
        />
        <Select
          mode="multiple"
          allowClear
          size="small"
          style={{ minWidth: 180 }}
          aria-label={t('timeline.channel')}
          placeholder={t('timeline.allChannels')}
          value={[...filter.channels]}
          options={channels.map((value) => ({ value, label: label(value) }))}
          onChange={(chosen: string[]) => setFilter({ ...filter, channels: chosen })}
        />
        <DatePicker.RangePicker
          size="small"
          allowEmpty={[true, true]}
          aria-label={t('timeline.period')}
          onChange={(range) =>
            setFilter({
              ...filter,
              startTime: range?.[0]?.startOf('day').toISOString() ?? '',
              endTime: range?.[1]?.add(1, 'day').startOf('day').toISOString() ?? '',
            })
          }
        />
      </Flex>
      {error ? <Failed error={error} retry={() => void refetch()} /> : null}
      {isPending ? <Skeleton active title={false} /> : null}
      {data && entries.length === 0 ? (
        <Empty
          image={Empty.PRESENTED_IMAGE_SIMPLE}
          description={t(filter === wholeTimeline ? 'customer.noTimeline' : 'timeline.noneHere')}
        />
      ) : null}
      {/* A list that scrolls must take the focus, or the keyboard cannot scroll it. */}
      <div
        ref={box}
        tabIndex={0}
        role="region"
        aria-label={t('customer.timeline')}
        style={{ maxHeight: 520, overflowY: 'auto' }}
      >
        <ul style={{ listStyle: 'none', margin: 0, padding: 0 }}>
          {entries.map((entry) => (
            <Entry key={keyOf(entry)} entry={entry} />
          ))}
        </ul>
        <div ref={end} />
        {hasNextPage ? (
          <Button type="link" block loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {t('common.more')}
          </Button>
        ) : null}
      </div>
    </Part>
  );
}
