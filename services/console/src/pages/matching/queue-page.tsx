import { useQueryClient } from '@tanstack/react-query';
import { Card, Col, Empty, Flex, InputNumber, Row, Select, Table, Typography } from 'antd';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import {
  bands,
  candidateStates,
  type Comparison,
  decideMatch,
  listMatchCandidates,
  type MatchCandidate,
} from '../../api/matching.js';
import { Failed } from '../../shared/failed.js';
import { formatNumber } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, PartyName, State, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { CandidatePart, type Saying } from './candidate-part.js';
import { MatchRunPart, StartRunButton } from './match-run.js';
import { RunsButton } from './match-runs.js';
import { type StewardKey, useStewardKeys } from './use-steward-keys.js';

const open = 'MATCH_CANDIDATE_STATE_OPEN';
const verdicts = { s: 'SAME', d: 'DIFFERENT', n: 'NEVER' } as const;

/** The queue of the stewards: who may be one customer, the surest first, and the decision beside it. */
export function QueuePage() {
  const { t, label, language } = useWords();
  const { may } = useSession();
  const queries = useQueryClient();
  const [parameters, setParameters] = useSearchParams();
  const [position, setPosition] = useState(0);
  const [last, setLast] = useState<MatchCandidate>();
  const filter = {
    state: parameters.get('state') ?? open,
    party: parameters.get('party') ?? '',
    organisationPath: parameters.get('path') ?? '',
    band: parameters.get('band') ?? '',
    minWeight: parameters.get('from') ?? '',
    maxWeight: parameters.get('to') ?? '',
  };
  const run = parameters.get('run') ?? '';
  const set = (name: string, value: string): void => {
    const next = new URLSearchParams(parameters);
    if (value) next.set(name, value);
    else next.delete(name);
    setPosition(0);
    setParameters(next, { replace: true });
  };
  const { data, error, isFetching, refetch, page, back, forward } = usePages(
    ['match-candidates', filter],
    (token, signal) => listMatchCandidates(filter, token, signal),
  );
  const candidates = data?.matchCandidates ?? [];
  const at = Math.min(position, Math.max(0, candidates.length - 1));
  const chosen = candidates[at];
  const { mutate, isPending } = useWrite(decideMatch, {
    done: t('matching.decided'),
    reload: [['match-candidates'], ['match-candidate'], ['merge-preview'], ['party']],
    after: ({ matchCandidate }, { verdict }) => setLast(verdict === 'UNDO' ? undefined : matchCandidate),
  });
  const decide = ({ matchCandidate }: Comparison, saying: Saying): void =>
    mutate({ candidate: matchCandidate, ...saying });
  const takeBack = (candidate: MatchCandidate): void =>
    mutate({ candidate, verdict: 'UNDO', reason: t('matching.reasons.UNDO') });
  const onKey = (key: StewardKey): void => {
    if (key === 'j') setPosition(Math.min(at + 1, candidates.length - 1));
    else if (key === 'k') setPosition(Math.max(at - 1, 0));
    else if (isPending || !may('decideMatch')) return;
    else if (key === 'u') {
      const decided = chosen && chosen.state !== open && chosen.decidedBy !== '' ? chosen : last;
      if (decided) takeBack(decided);
    } else if (chosen?.state === open) {
      // What is not on the page yet has not been looked at.
      const comparison = queries.getQueryData<Comparison>(['match-candidate', chosen.name]);
      const verdict = verdicts[key];
      if (comparison) decide(comparison, { verdict, reason: t(`matching.reasons.${verdict}`) });
    }
  };
  useStewardKeys(onKey);
  return (
    <>
      <PageHead title={t('menu.matching')} note={t('matching.note')}>
        <RunsButton onChosen={(id) => set('run', id)} />
        {may('startMatchRun') ? <StartRunButton onStarted={(id) => set('run', id)} /> : null}
      </PageHead>
      {run ? <MatchRunPart id={run} /> : null}
      <Row gutter={[16, 16]}>
        <Col xs={24} xl={10}>
          <Card size="small">
            <Flex gap={12} wrap align="center" style={{ marginBottom: 12 }}>
              <Select
                aria-label={t('matching.state')}
                value={filter.state}
                style={{ minWidth: 180 }}
                options={candidateStates.map((value) => ({ value, label: label(value) }))}
                onChange={(value: string) => set('state', value === open ? '' : value)}
              />
              <Select
                aria-label={t('matching.band')}
                value={filter.band}
                style={{ minWidth: 170 }}
                options={[
                  { value: '', label: t('matching.allBands') },
                  ...bands.map((value) => ({ value, label: label(value) })),
                ]}
                onChange={(value: string) => set('band', value)}
              />
              <InputNumber
                aria-label={t('matching.fromBits')}
                prefix={t('matching.fromBits')}
                value={filter.minWeight === '' ? null : Number(filter.minWeight)}
                min={-1000}
                max={1000}
                onChange={(value) => set('from', value === null ? '' : String(value))}
              />
              <InputNumber
                aria-label={t('matching.toBits')}
                prefix={t('matching.toBits')}
                value={filter.maxWeight === '' ? null : Number(filter.maxWeight)}
                min={-1000}
                max={1000}
                onChange={(value) => set('to', value === null ? '' : String(value))}
              />
              {may('decideMatch') ? (
                <Typography.Text type="secondary">
                  <kbd>j</kbd> <kbd>k</kbd> {t('matching.keyMove')} · <kbd>s</kbd> {t('matching.same')} · <kbd>d</kbd>{' '}
                  {t('matching.different')} · <kbd>n</kbd> {t('matching.never')} · <kbd>u</kbd> {t('matching.undo')}
                </Typography.Text>
              ) : null}
            </Flex>
            {error ? (
              <Failed error={error} retry={() => void refetch()} />
            ) : (
              <Table<MatchCandidate>
                size="small"
                rowKey="name"
                loading={isFetching}
                dataSource={candidates}
                pagination={false}
                scroll={{ x: 'max-content' }}
                locale={{ emptyText: isFetching ? ' ' : <Empty description={t('matching.none')} /> }}
                rowClassName={(one) => (one.name === chosen?.name ? 'ant-table-row-selected' : '')}
                onRow={(one, index = 0) => ({
                  'aria-selected': one.name === chosen?.name,
                  style: { cursor: 'pointer' },
                  onClick: () => setPosition(index),
                })}
                columns={[
                  {
                    title: t('matching.pair'),
                    render: (_, { parties }) => (
                      <Flex vertical>
                        {parties.map((name) => (
                          <PartyName key={name} name={name} />
                        ))}
                      </Flex>
                    ),
                  },
                  {
                    title: t('matching.chance'),
                    align: 'right',
                    render: (_, { probability }) => `${formatNumber(probability * 100, language, 1)} %`,
                  },
                  {
                    title: t('matching.bitsShort'),
                    align: 'right',
                    render: (_, { weight }) => formatNumber(weight, language, 1),
                  },
                  {
                    title: t('matching.found'),
                    render: (_, { createTime, state }) =>
                      state === open ? <When time={createTime} /> : <State value={state} />,
                  },
                ]}
              />
            )}
            <Pager page={page} back={back} forward={forward} />
          </Card>
        </Col>
        <Col xs={24} xl={14}>
          {chosen ? <CandidatePart key={chosen.name} name={chosen.name} busy={isPending} onDecide={decide} /> : null}
        </Col>
      </Row>
    </>
  );
}
