import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Card, Empty, Flex, Spin, Typography } from 'antd';
import { useEffect, useState } from 'react';
import { Problem } from '../../api/client.js';
import { previewSegment } from '../../api/segmentation.js';
import { Failed } from '../../shared/failed.js';
import { dayFromIso, formatCount, formatNumber } from '../../shared/format.js';
import { Day, PartyName } from '../../shared/show.js';
import { useLater } from '../../shared/use-later.js';
import { useWords } from '../../shared/words.js';

const previewAfterMs = 700;
/** A count that takes longer than this says so, and can be stopped. */
const SLOW_SECONDS = 3;

/** The seconds since something began, while it goes on; 0 otherwise. */
function useSeconds(going: boolean): number {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    if (!going) return undefined;
    const timer = setInterval(() => setSeconds((now) => now + 1), 1000);
    return () => {
      clearInterval(timer);
      setSeconds(0);
    };
  }, [going]);
  return seconds;
}

interface PreviewProps {
  rule: string;
  /** `1994-03-31`, or empty for today. */
  asOf: string;
  organisationPath: string;
}

/** How many customers the rule finds, and some of them; counted again when the rule changes. */
export function Preview({ rule, asOf, organisationPath }: PreviewProps) {
  const { t, language } = useWords();
  const later = useLater(rule, previewAfterMs);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['preview', later, asOf, organisationPath],
    queryFn: ({ signal }) => previewSegment(later, dayFromIso(asOf), organisationPath, signal),
    enabled: later.trim() !== '',
    placeholderData: (last) => last,
    staleTime: 30_000,
    retry: false,
  });
  const queries = useQueryClient();
  const [stopped, setStopped] = useState('');
  const seconds = useSeconds(isFetching);
  const stop = (): void => {
    setStopped(later);
    void queries.cancelQueries({ queryKey: ['preview', later, asOf, organisationPath] });
  };
  // A bad rule is told about beside the rule.
  const refused = error instanceof Problem && error.status === 400;
  const shown = rule.trim() !== '' && !error ? data : undefined;
  return (
    <Card size="small" title={t('preview.title')} extra={isFetching || later !== rule ? <Spin size="small" /> : null}>
      {error && !refused ? <Failed error={error} retry={() => void refetch()} /> : null}
      {refused ? <Typography.Text type="secondary">{t('preview.badRule')}</Typography.Text> : null}
      {seconds >= SLOW_SECONDS ? (
        <Flex align="center" justify="space-between" gap={8} style={{ marginBottom: 12 }} role="status">
          <Typography.Text>{t('preview.slow', { seconds })}</Typography.Text>
          <Button size="small" onClick={stop}>
            {t('preview.stop')}
          </Button>
        </Flex>
      ) : null}
      {stopped === rule && !isFetching && !data && rule !== '' ? (
        <Button
          onClick={() => {
            setStopped('');
            void refetch();
          }}
        >
          {t('preview.again')}
        </Button>
      ) : null}
      {rule.trim() === '' ? <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('preview.empty')} /> : null}
      {shown ? (
        <Flex vertical gap={12} aria-live="polite" style={{ opacity: isFetching || later !== rule ? 0.4 : 1 }}>
          <Flex align="baseline" gap={8}>
            <span className="number-tile" data-testid="preview-count">
              {formatCount(shown.count, language)}
            </span>
            <span>{t('preview.customers')}</span>
          </Flex>
          <Typography.Text type="secondary">
            {t('preview.asOf')} <Day date={shown.asOf} /> ·{' '}
            {t('preview.ms', { ms: formatNumber(shown.sqlMs, language, 1) })}
          </Typography.Text>
          {shown.sample.length > 0 ? (
            <div>
              <Typography.Text strong>{t('preview.sample')}</Typography.Text>
              <ul style={{ margin: '4px 0 0', paddingInlineStart: 18 }}>
                {shown.sample.map((party) => (
                  <li key={party}>
                    <PartyName name={party} />
                  </li>
                ))}
              </ul>
            </div>
          ) : null}
        </Flex>
      ) : null}
    </Card>
  );
}
