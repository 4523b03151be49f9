import { useInfiniteQuery } from '@tanstack/react-query';
import { Button, Flex, Segmented, Tag, Typography } from 'antd';
import { useEffect, useRef } from 'react';
import { listTimeline, type TimelineEntry } from '../../api/customer.js';
import { Amount, Day, StaffName, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

function Entry({ entry }: { entry: TimelineEntry }) {
  const { label, code } = useWords();
  const { transaction, interaction } = entry;
  const row = { padding: '8px 0', borderBottom: '1px solid #f0f2f2' };
  if (transaction) {
    const credit = transaction.direction === 'TRANSACTION_DIRECTION_CREDIT';
    return (
      <Flex component="li" justify="space-between" gap={12} style={row}>
        <Flex gap={12} wrap>
          <span style={{ minWidth: 110 }}>
            <Day date={transaction.bookingDate} />
          </span>
          <span>{label(transaction.operation)}</span>
          {transaction.purpose ? <Typography.Text type="secondary">{code(transaction.purpose)}</Typography.Text> : null}
        </Flex>
        <Typography.Text type={credit ? 'success' : undefined}>
          <Amount money={transaction.amount} sign={credit ? '+' : '−'} />
        </Typography.Text>
      </Flex>
    );
  }
  if (!interaction) return null;
  return (
    <Flex component="li" gap={12} style={row} wrap>
      <span style={{ minWidth: 110 }}>
        <When time={entry.time} />
      </span>
      <Tag>{label(interaction.channel)}</Tag>
      <Flex vertical style={{ flex: 1, minWidth: 200 }}>
        <span>
          {label(interaction.direction)} · {interaction.subject || code(interaction.kind)}
        </span>
        {interaction.note ? (
          <Typography.Text type="secondary" className="plain-text">
            {interaction.note}
          </Typography.Text>
        ) : null}
      </Flex>
      {interaction.staff ? (
        <Typography.Text type="secondary">
          <StaffName name={interaction.staff} />
        </Typography.Text>
      ) : null}
    </Flex>
  );
}

interface TimelineProps {
  id: string;
  kind: string;
  onKind: (kind: string) => void;
}

/** What happened, newest first; more is loaded on the way down. */
export function TimelinePart({ id, kind, onKind }: TimelineProps) {
  const { t } = useWords();
  const { data, error, isPending, refetch, fetchNextPage, hasNextPage, isFetchingNextPage, dataUpdatedAt } =
    useInfiniteQuery({
      queryKey: ['party', id, 'timeline', kind],
      queryFn: ({ pageParam, signal }) => listTimeline(id, kind, pageParam, signal),
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
    <Part
      title={t('customer.timeline')}
      asOf={dataUpdatedAt ? new Date(dataUpdatedAt).toISOString() : undefined}
      action={
        <Segmented
          size="small"
          aria-label={t('customer.timelineKind')}
          value={kind}
          options={[
            { value: '', label: t('common.all') },
            { value: 'TIMELINE_ENTRY_KIND_TRANSACTION', label: t('customer.transactions') },
            { value: 'TIMELINE_ENTRY_KIND_INTERACTION', label: t('customer.interactions') },
          ]}
          onChange={onKind}
        />
      }
      loading={isPending}
      error={error}
      retry={() => void refetch()}
      empty={entries.length === 0 ? t('customer.noTimeline') : undefined}
    >
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
            <Entry key={entry.transaction?.name ?? entry.interaction?.name ?? entry.time} entry={entry} />
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
