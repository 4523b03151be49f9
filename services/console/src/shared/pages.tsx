import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Button, Flex } from 'antd';
import { useState } from 'react';
import type { Paged } from '../api/types.js';
import { useWords } from './words.js';

/** One page of a list at a time, forwards by page token and back by the tokens that were passed. */
export function usePages<T extends Paged>(
  key: readonly unknown[],
  load: (pageToken: string, signal: AbortSignal) => Promise<T>,
  options: { enabled?: boolean; refetchInterval?: number | false } = {},
) {
  const identity = JSON.stringify(key);
  const [position, setPosition] = useState<{ identity: string; tokens: string[] }>({ identity, tokens: [] });
  // Another filter begins at its first page.
  const tokens = position.identity === identity ? position.tokens : [];
  const token = tokens.at(-1) ?? '';
  const query = useQuery({
    queryKey: [...key, token],
    queryFn: ({ signal }) => load(token, signal),
    placeholderData: keepPreviousData,
    ...options,
  });
  const next = query.data?.nextPageToken ?? '';
  return {
    ...query,
    page: tokens.length + 1,
    back: tokens.length > 0 ? () => setPosition({ identity, tokens: tokens.slice(0, -1) }) : undefined,
    forward: next && !query.isPlaceholderData ? () => setPosition({ identity, tokens: [...tokens, next] }) : undefined,
  };
}

interface PagerProps {
  page: number;
  back: (() => void) | undefined;
  forward: (() => void) | undefined;
}

/** Back and forward below a list; nothing when there is only one page. */
export function Pager({ page, back, forward }: PagerProps) {
  const { t } = useWords();
  if (!back && !forward) return null;
  return (
    <Flex component="nav" justify="flex-end" align="center" gap={12} style={{ marginTop: 12 }}>
      <Button disabled={!back} onClick={back}>
        {t('common.previous')}
      </Button>
      <span>{t('common.page', { page })}</span>
      <Button disabled={!forward} onClick={forward}>
        {t('common.next')}
      </Button>
    </Flex>
  );
}
