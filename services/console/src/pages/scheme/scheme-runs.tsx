import { Alert, Card, Empty, Progress, Table } from 'antd';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { listSchemeRuns, type SchemeRun } from '../../api/schemes.js';
import { Failed } from '../../shared/failed.js';
import { formatCount } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { StaffName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

const LOOK_AGAIN_MS = 1500;

const goesOn = ({ state }: SchemeRun): boolean =>
  state === 'SCHEME_RUN_STATE_WAITING' || state === 'SCHEME_RUN_STATE_RUNNING';

/** The long work on a scheme, followed while it goes on. */
export function SchemeRuns({ id }: { id: string }) {
  const { t, label, language } = useWords();
  const queries = useQueryClient();
  const pages = usePages(['scheme-runs', id], (token, signal) => listSchemeRuns(id, token, signal), {
    refetchInterval: LOOK_AGAIN_MS,
  });
  const { data, error, refetch, page, back, forward } = pages;
  const runs = data?.schemeRuns ?? [];
  const working = runs.some(goesOn);
  // What a run has done is seen once it has ended.
  useEffect(() => {
    if (!working) void queries.invalidateQueries({ queryKey: ['scheme', id] });
  }, [working, queries, id]);
  const current = runs.find(goesOn);
  return (
    <Card size="small" title={t('scheme.runs')}>
      {current ? (
        <Alert
          type="info"
          showIcon
          style={{ marginBottom: 12 }}
          title={`${label(current.kind)} · ${current.step ? label(`SCHEME_STEP_${current.step}`) : label(current.state)}`}
          description={
            <Progress
              percent={current.stepsTotal > 0 ? Math.round((100 * current.stepsDone) / current.stepsTotal) : 0}
              status="active"
            />
          }
        />
      ) : null}
      {error ? (
        <Failed error={error} retry={() => void refetch()} />
      ) : (
        <Table<SchemeRun>
          size="small"
          rowKey="name"
          dataSource={runs}
          pagination={false}
          scroll={{ x: 'max-content' }}
          locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('scheme.noRuns')} /> }}
          columns={[
            { title: t('scheme.work'), render: (_, { kind }) => label(kind) },
            { title: t('segment.state'), render: (_, { state }) => <State value={state} /> },
            {
              title: t('scheme.result'),
              render: (_, { kind, state, reason, message, changed }) => (
                <div style={{ maxWidth: 420, whiteSpace: 'normal' }}>
                  {reason
                    ? `${label(`SCHEME_${reason}`)} · ${message}`
                    : state === 'SCHEME_RUN_STATE_SUCCEEDED' && kind !== 'SCHEME_RUN_KIND_FIT'
                      ? t('scheme.changed', { count: formatCount(changed, language) })
                      : ''}
                </div>
              ),
            },
            { title: t('segment.author'), render: (_, { createdBy }) => <StaffName name={createdBy} /> },
            { title: t('scheme.begun'), render: (_, { createTime }) => <When time={createTime} /> },
            { title: t('scheme.ended'), render: (_, { finishTime }) => <When time={finishTime} /> },
          ]}
        />
      )}
      <Pager page={page} back={back} forward={forward} />
    </Card>
  );
}
