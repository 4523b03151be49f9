import { Button, Card, Empty, Flex, Table } from 'antd';
import { useState } from 'react';
import { allImportRejects, type Import, type ImportReject, listImportRejects } from '../../api/imports.js';
import { csvText, saveFile } from '../../shared/csv.js';
import { Failed, useShowFailure } from '../../shared/failed.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { useWords } from '../../shared/words.js';
import { LiftErasedKeyButton } from './lift-button.js';

const head = ['file', 'line', 'kind', 'field', 'reason', 'message', 'value'];

/** The rows of an import that were refused, why, and all of them as CSV. */
export function Rejects({ id, of }: { id: string; of: Import }) {
  const { t, label, code } = useWords();
  const showFailure = useShowFailure();
  const { may } = useSession();
  const [gathers, setGathers] = useState(false);
  const { data, error, isPending, refetch, page, back, forward } = usePages(
    ['import', id, 'rejects'],
    (token, signal) => listImportRejects(id, 50, token, signal),
    { refetchInterval: of.state === 'IMPORT_STATE_RUNNING' ? 5000 : false },
  );
  const rejects = data?.rejects ?? [];
  const save = async (): Promise<void> => {
    setGathers(true);
    try {
      const rows = (await allImportRejects(id)).map((one) => [
        one.file,
        one.line,
        one.kind,
        one.field,
        one.reason,
        one.message,
        one.originalValue,
      ]);
      saveFile(`${of.file}.rejects.csv`, csvText(head, rows), 'text/csv;charset=utf-8');
    } catch (failure) {
      showFailure(failure);
    } finally {
      setGathers(false);
    }
  };
  return (
    <Card
      size="small"
      title={t('importing.rejects')}
      extra={
        <Flex gap={8}>
          {may('liftErasedKeys') && rejects.some(({ reason }) => reason === 'ERASED') ? (
            <LiftErasedKeyButton source={of.source} />
          ) : null}
          <Button size="small" disabled={rejects.length === 0} loading={gathers} onClick={() => void save()}>
            {t('importing.saveRejects')}
          </Button>
        </Flex>
      }
    >
      {error ? (
        <Failed error={error} retry={() => void refetch()} />
      ) : (
        <Table<ImportReject>
          size="small"
          rowKey={({ line, field, reason }) => `${line} ${field} ${reason}`}
          loading={isPending}
          dataSource={rejects}
          pagination={false}
          scroll={{ x: 'max-content' }}
          locale={{ emptyText: isPending ? ' ' : <Empty description={t('importing.noRejects')} /> }}
          columns={[
            { title: t('importing.line'), dataIndex: 'line', align: 'right' },
            {
              title: t('importing.kind'),
              render: (_, { kind }) => (kind === 'IMPORT_KIND_UNSPECIFIED' ? '–' : label(kind)),
            },
            { title: t('importing.field'), dataIndex: 'field' },
            { title: t('importing.reason'), render: (_, { reason }) => code(reason) },
            { title: t('importing.message'), dataIndex: 'message' },
            {
              title: t('importing.value'),
              render: (_, { originalValue }) => <span className="plain-text">{originalValue}</span>,
            },
          ]}
        />
      )}
      <Pager page={page} back={back} forward={forward} />
    </Card>
  );
}
