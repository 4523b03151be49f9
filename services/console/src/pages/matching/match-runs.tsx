import { Button, Drawer, Empty, Table } from 'antd';
import { useState } from 'react';
import { listMatchRuns, type MatchRun } from '../../api/matching.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

/** Opens the list of the matchings of whole banks. */
export function RunsButton({ onChosen }: { onChosen: (id: string) => void }) {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t('matching.runs')}</Button>
      <Drawer open={open} size="large" title={t('matching.runs')} onClose={() => setOpen(false)} destroyOnHidden>
        <Runs
          onChosen={(id) => {
            setOpen(false);
            onChosen(id);
          }}
        />
      </Drawer>
    </>
  );
}

function Runs({ onChosen }: { onChosen: (id: string) => void }) {
  const { t, language } = useWords();
  const { data, error, isPending, refetch, page, back, forward } = usePages(['match-runs'], listMatchRuns, {
    refetchInterval: 5000,
  });
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  return (
    <>
      <Table<MatchRun>
        size="small"
        rowKey="name"
        loading={isPending}
        dataSource={data?.matchRuns ?? []}
        pagination={false}
        scroll={{ x: 'max-content' }}
        locale={{ emptyText: isPending ? ' ' : <Empty description={t('matching.noRuns')} /> }}
        columns={[
          {
            title: t('matching.started'),
            render: (_, { name, createTime }) => (
              <Button type="link" size="small" onClick={() => onChosen(idOf(name))}>
                <When time={createTime} />
              </Button>
            ),
          },
          { title: t('matching.bank'), dataIndex: 'organisationPath' },
          { title: t('matching.state'), render: (_, { state }) => <State value={state} /> },
          {
            title: t('matching.figures.records'),
            align: 'right',
            render: (_, { records }) => formatCount(records, language),
          },
          {
            title: t('matching.figures.auto'),
            align: 'right',
            render: (_, { autoPairs }) => formatCount(autoPairs, language),
          },
          {
            title: t('matching.figures.review'),
            align: 'right',
            render: (_, { reviewPairs }) => formatCount(reviewPairs, language),
          },
        ]}
      />
      <Pager page={page} back={back} forward={forward} />
    </>
  );
}
