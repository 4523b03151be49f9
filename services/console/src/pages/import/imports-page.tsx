import { Card, Empty, Select, Table } from 'antd';
import { useQuery } from '@tanstack/react-query';
import { Link, useSearchParams } from 'react-router';
import { type Import, listImports } from '../../api/imports.js';
import { listSources } from '../../api/sources.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { PageHead, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

const outcomes = ['created', 'updated', 'unchanged', 'rejected'] as const;

/** The sum of what became of all rows in one way. */
export const sumOf = ({ counts }: Import, outcome: (typeof outcomes)[number]): bigint =>
  counts.reduce((sum, count) => sum + BigInt(count[outcome]), 0n);

/** What came in, newest first; looked at again every two seconds while something comes in. */
export function ImportsPage() {
  const { t, label, language } = useWords();
  const [parameters, setParameters] = useSearchParams();
  const source = parameters.get('source') ?? '';
  const sources = useQuery({
    queryKey: ['sources'],
    queryFn: ({ signal }) => listSources(signal),
    staleTime: 300_000,
    retry: false,
  });
  const { data, error, isPending, refetch, page, back, forward } = usePages(
    ['imports', source],
    (token, signal) => listImports(source, token, signal),
    { refetchInterval: 5000 },
  );
  return (
    <>
      <PageHead title={t('menu.imports')} note={t('importing.note')} />
      <Card size="small">
        <Select
          aria-label={t('importing.source')}
          value={source}
          style={{ minWidth: 200, marginBottom: 12 }}
          loading={sources.isPending}
          options={[
            { value: '', label: t('importing.allSources') },
            ...(sources.data?.sources ?? []).map(({ name }) => ({ value: idOf(name), label: idOf(name) })),
          ]}
          onChange={(value: string) => setParameters(value ? { source: value } : {}, { replace: true })}
        />
        {error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : (
          <Table<Import>
            size="middle"
            rowKey="name"
            loading={isPending}
            dataSource={data?.imports ?? []}
            pagination={false}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: isPending ? ' ' : <Empty description={t('importing.none')} /> }}
            columns={[
              {
                title: t('importing.file'),
                render: (_, { name, file }) => <Link to={`/imports/${idOf(name)}`}>{file}</Link>,
              },
              { title: t('importing.source'), dataIndex: 'source' },
              {
                title: t('importing.kind'),
                render: (_, { kind }) =>
                  kind === 'IMPORT_KIND_UNSPECIFIED' ? t('importing.severalKinds') : label(kind),
              },
              { title: t('importing.state'), render: (_, { state }) => <State value={state} /> },
              ...outcomes.map((outcome) => ({
                title: t(`importing.${outcome}`),
                key: outcome,
                align: 'right' as const,
                render: (_: unknown, one: Import) => formatCount(String(sumOf(one, outcome)), language),
              })),
              { title: t('party.organisationPath'), dataIndex: 'organisationPath' },
              { title: t('importing.began'), render: (_, { createTime }) => <When time={createTime} /> },
              { title: t('importing.ended'), render: (_, { completeTime }) => <When time={completeTime} /> },
            ]}
          />
        )}
        <Pager page={page} back={back} forward={forward} />
      </Card>
    </>
  );
}
