import { useQuery } from '@tanstack/react-query';
import { Alert, Card, Descriptions, Flex, Skeleton, Table } from 'antd';
import { useParams } from 'react-router';
import { getImport, type Import } from '../../api/imports.js';
import { Failed } from '../../shared/failed.js';
import { formatCount } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, StaffName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { CancelImportButton } from './cancel-button.js';
import { Rejects } from './rejects.js';

/** One import: how far it has come, what became of its rows, and what was refused. */
export function ImportPage() {
  const { t, label, language } = useWords();
  const { may } = useSession();
  const { import: id = '' } = useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['import', id],
    queryFn: ({ signal }) => getImport(id, signal),
    refetchInterval: ({ state }) => (state.data?.import.state === 'IMPORT_STATE_RUNNING' ? 1000 : false),
  });
  if (error && !data) {
    return (
      <>
        <PageHead title={t('menu.imports')} />
        <Failed error={error} retry={() => void refetch()} />
      </>
    );
  }
  if (!data) return <Skeleton active paragraph={{ rows: 8 }} />;
  const one = data.import;
  const count = (text: string): string => formatCount(text, language);
  return (
    <>
      <PageHead
        title={
          <>
            {one.file} <State value={one.state} />
          </>
        }
        note={`${one.source} · ${one.organisationPath}`}
      >
        {one.state === 'IMPORT_STATE_RUNNING' && may('cancelImport') ? <CancelImportButton id={id} /> : null}
      </PageHead>
      <Flex vertical gap={16}>
        {one.state === 'IMPORT_STATE_RUNNING' ? (
          <Alert type="info" showIcon title={t('importing.runs')} description={t('importing.runsAdvice')} />
        ) : null}
        {one.state === 'IMPORT_STATE_CANCELLED' ? (
          <Alert
            type="warning"
            showIcon
            title={
              <>
                {t('importing.wasCancelled')} <StaffName name={one.cancelledBy} /> · {one.cancelReason}
              </>
            }
            description={t('importing.cancelledAdvice')}
          />
        ) : null}
        <Card size="small">
          <Descriptions
            size="small"
            column={{ xs: 1, md: 2 }}
            items={[
              { key: 'began', label: t('importing.began'), children: <When time={one.createTime} /> },
              { key: 'ended', label: t('importing.ended'), children: <When time={one.completeTime} /> },
            ]}
          />
          <Table<Import['counts'][number]>
            size="small"
            rowKey="kind"
            dataSource={one.counts}
            pagination={false}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: t('importing.noRows') }}
            columns={[
              {
                title: t('importing.kind'),
                render: (_, { kind }) =>
                  kind === 'IMPORT_KIND_UNSPECIFIED' ? t('importing.unknownKind') : label(kind),
              },
              { title: t('importing.created'), align: 'right', render: (_, { created }) => count(created) },
              { title: t('importing.updated'), align: 'right', render: (_, { updated }) => count(updated) },
              { title: t('importing.unchanged'), align: 'right', render: (_, { unchanged }) => count(unchanged) },
              { title: t('importing.rejected'), align: 'right', render: (_, { rejected }) => count(rejected) },
            ]}
          />
        </Card>
        {may('viewRejects') ? <Rejects id={id} of={one} /> : null}
      </Flex>
    </>
  );
}
