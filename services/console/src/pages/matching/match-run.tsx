import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Card, Descriptions, Flex, Form, Input, Modal, Progress } from 'antd';
import { useEffect, useState } from 'react';
import { getMatchRun, startMatchRun } from '../../api/matching.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { State, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

/** Begins a matching of a whole bank, after asking for which. */
export function StartRunButton({ onStarted }: { onStarted: (id: string) => void }) {
  const { t } = useWords();
  const { organisationPath } = useSession();
  const [asks, setAsks] = useState(false);
  const { mutate, isPending } = useWrite(startMatchRun, {
    done: t('matching.runStarted'),
    reload: [],
    after: ({ matchRun }) => {
      setAsks(false);
      onStarted(idOf(matchRun.name));
    },
  });
  return (
    <>
      <Button onClick={() => setAsks(true)}>{t('matching.startRun')}</Button>
      <Modal open={asks} title={t('matching.startRun')} footer={null} onCancel={() => setAsks(false)} destroyOnHidden>
        <Form<{ path: string }>
          layout="vertical"
          initialValues={{ path: /^\/[^/]+/.exec(organisationPath)?.[0] ?? '' }}
          onFinish={({ path }) => mutate(path)}
        >
          <Form.Item
            name="path"
            label={t('matching.bank')}
            extra={t('matching.runNote')}
            rules={[{ required: true, pattern: /^\/[a-z0-9_-]+$/, message: t('matching.bankHint') }]}
          >
            <Input maxLength={200} />
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={isPending}>
            {t('matching.startRun')}
          </Button>
        </Form>
      </Modal>
    </>
  );
}

/** How far a run has come; looked at again every two seconds while it runs. */
export function MatchRunPart({ id }: { id: string }) {
  const { t, label, language } = useWords();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: ['match-run', id],
    queryFn: ({ signal }) => getMatchRun(id, signal),
    refetchInterval: ({ state }) =>
      state.data && state.data.matchRun.state !== 'MATCH_RUN_STATE_RUNNING' ? false : 2000,
  });
  const run = data?.matchRun;
  const ended = run !== undefined && run.state !== 'MATCH_RUN_STATE_RUNNING';
  // A run replaces what is open.
  useEffect(() => {
    if (ended) void queries.invalidateQueries({ queryKey: ['match-candidates'] });
  }, [ended, queries]);
  if (error && !run) return <Failed error={error} retry={() => void refetch()} />;
  if (!run) return <Card size="small" loading style={{ marginBottom: 16 }} />;
  const { stage = '', done = '0', total = '0' } = run.progress ?? {};
  const percent = run.state === 'MATCH_RUN_STATE_COMPLETED' ? 100 : share(done, total);
  const figures = [
    ['records', run.records],
    ['compared', run.comparedPairs],
    ['auto', run.autoPairs],
    ['review', run.reviewPairs],
    ['skipped', run.skippedBlocks],
  ] as const;
  return (
    <Card size="small" title={t('matching.run')} extra={<When time={run.createTime} />} style={{ marginBottom: 16 }}>
      <Flex gap={16} align="center" style={{ marginBottom: 8 }}>
        <State value={run.state} />
        {ended ? null : <span>{label(stage)}</span>}
        <Progress percent={percent} style={{ flex: 1, margin: 0 }} aria-label={t('matching.run')} />
      </Flex>
      <Descriptions
        size="small"
        column={{ xs: 1, md: 3, xl: 5 }}
        items={figures.map(([key, count]) => ({
          key,
          label: t(`matching.figures.${key}`),
          children: formatCount(count, language),
        }))}
      />
    </Card>
  );
}

const share = (done: string, total: string): number =>
  Number(total) > 0 ? Math.min(99, Math.floor((Number(done) * 100) / Number(total))) : 0;
