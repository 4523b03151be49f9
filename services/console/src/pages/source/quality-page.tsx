import { useQuery } from '@tanstack/react-query';
import { Card, Empty, Flex, Input, Progress, Segmented, Skeleton, Table } from 'antd';
import { useSearchParams } from 'react-router';
import { reportQuality, type SourceQuality } from '../../api/sources.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, formatNumber } from '../../shared/format.js';
import { PageHead, State } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

const severities = ['ERROR', 'WARNING', 'MISSING', 'CORRECTION'].map((name) => `QUALITY_SEVERITY_${name}`);

/** How good the records are, and what fails most, by source. The filter stands in the address. */
export function QualityPage() {
  const { t, label, code, language } = useWords();
  const [parameters, setParameters] = useSearchParams();
  const path = parameters.get('path') ?? '';
  const severity = parameters.get('severity') ?? '';
  const set = (name: string, value: string): void => {
    const next = new URLSearchParams(parameters);
    if (value) next.set(name, value);
    else next.delete(name);
    setParameters(next, { replace: true });
  };
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['quality', path],
    queryFn: ({ signal }) => reportQuality(path, signal),
  });
  return (
    <>
      <PageHead title={t('menu.quality')} note={t('quality.note')} />
      <Card size="small" style={{ marginBottom: 16 }}>
        <Flex gap={12} wrap>
          <Segmented
            aria-label={t('quality.severity')}
            value={severity}
            options={[
              { value: '', label: t('common.all') },
              ...severities.map((value) => ({ value, label: label(value) })),
            ]}
            onChange={(value) => set('severity', value)}
          />
          <Input.Search
            key={path}
            defaultValue={path}
            allowClear
            aria-label={t('party.organisationPath')}
            placeholder={t('common.pathHint')}
            style={{ maxWidth: 300 }}
            onSearch={(text) => set('path', text.trim())}
          />
        </Flex>
      </Card>
      {error ? <Failed error={error} retry={() => void refetch()} /> : null}
      {isPending ? <Skeleton active /> : null}
      {data?.sources.length === 0 ? <Empty description={t('quality.none')} /> : null}
      <Flex vertical gap={16}>
        {data?.sources.map((source) => (
          <Card
            key={source.source}
            size="small"
            title={<h2 style={{ fontSize: 15, margin: 0 }}>{source.source || t('quality.ownSource')}</h2>}
            extra={t('quality.judged', { count: formatCount(source.parties, language) })}
          >
            <Flex gap={16} align="center" style={{ marginBottom: 12 }}>
              <span>{t('quality.average')}</span>
              <Progress
                percent={Math.round(source.averageScore)}
                format={() => formatNumber(source.averageScore, language, 1)}
                aria-label={t('quality.average')}
                style={{ maxWidth: 400, margin: 0 }}
              />
            </Flex>
            <Table<SourceQuality['counts'][number]>
              size="small"
              rowKey={({ code: issue }) => issue}
              dataSource={source.counts.filter((count) => !severity || count.severity === severity)}
              pagination={{ pageSize: 10, hideOnSinglePage: true, showSizeChanger: false }}
              scroll={{ x: 'max-content' }}
              locale={{ emptyText: t('quality.nothing') }}
              columns={[
                { title: t('quality.issue'), render: (_, count) => code(count.code) },
                { title: t('quality.severity'), render: (_, count) => <State value={count.severity} /> },
                {
                  title: t('quality.parties'),
                  align: 'right',
                  render: (_, count) => formatCount(count.parties, language),
                },
                {
                  title: t('quality.share'),
                  render: (_, { share }) => (
                    <Progress
                      percent={share * 100}
                      size="small"
                      format={() => `${formatNumber(share * 100, language, 1)} %`}
                      status="normal"
                      aria-label={t('quality.share')}
                      style={{ width: 220, margin: 0 }}
                    />
                  ),
                },
              ]}
            />
          </Card>
        ))}
      </Flex>
    </>
  );
}
