import { useQuery } from '@tanstack/react-query';
import { Card, Checkbox, Empty, Flex, Select, Statistic, Table, Tag } from 'antd';
import { Link, useSearchParams } from 'react-router';
import { type Case, caseStates, getCaseStatistics, listCases, listCaseTypes } from '../../api/cases.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, PartyName, StaffName, State } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { DueTime } from './due-time.js';

const unfinished = caseStates.filter((state) => !/RESOLVED|CLOSED/.test(state));
const orders = ['due_time', 'due_time desc', 'receive_time desc'];

function Figures() {
  const { t, language } = useWords();
  const { data } = useQuery({
    queryKey: ['cases', 'statistics'],
    queryFn: ({ signal }) => getCaseStatistics(signal),
    retry: false,
  });
  if (!data) return null;
  const figures = [
    ['open', data.open],
    ['overdue', data.overdue],
    ['unassigned', data.unassigned],
    ['openComplaints', data.openComplaints],
    ['closed', data.closed],
  ] as const;
  return (
    <Card size="small" style={{ marginBottom: 16 }}>
      <Flex gap={40} wrap>
        {figures.map(([name, count]) => (
          <Statistic
            key={name}
            title={t(`case.figures.${name}`)}
            value={formatCount(count, language)}
            styles={{ content: { color: name === 'overdue' && Number(count) > 0 ? '#b91c1c' : undefined } }}
          />
        ))}
      </Flex>
    </Card>
  );
}

/** The cases that the person may see, the most urgent first. The filter stands in the address. */
export function CasesPage() {
  const { t, label, language } = useWords();
  const { subject, may } = useSession();
  const [parameters, setParameters] = useSearchParams();
  const shown = parameters.get('states') ?? 'unfinished';
  const filter = {
    states: shown === 'all' ? [] : shown === 'unfinished' ? [...unfinished] : [shown],
    assignee: parameters.get('mine') ? subject : '',
    overdue: parameters.get('overdue') === '1',
    type: parameters.get('type') ?? '',
    orderBy: parameters.get('order') ?? '',
  };
  const set = (name: string, value: string): void => {
    const next = new URLSearchParams(parameters);
    if (value) next.set(name, value);
    else next.delete(name);
    setParameters(next, { replace: true });
  };
  const types = useQuery({
    queryKey: ['case-types'],
    queryFn: ({ signal }) => listCaseTypes(signal),
    staleTime: 300_000,
  });
  const titles = new Map(
    types.data?.caseTypes.map(({ name, titleEn, titleZh }) => [name, language === 'zh' && titleZh ? titleZh : titleEn]),
  );
  const { data, error, isFetching, refetch, page, back, forward } = usePages(['cases', filter], (token, signal) =>
    listCases(filter, token, signal),
  );
  return (
    <>
      <PageHead title={t('menu.cases')} note={t('case.note')} />
      <Figures />
      <Card size="small">
        <Flex gap={12} wrap align="center" style={{ marginBottom: 12 }}>
          <Select
            aria-label={t('case.state')}
            value={shown}
            style={{ minWidth: 160 }}
            options={[
              { value: 'unfinished', label: t('case.unfinished') },
              { value: 'all', label: t('common.allStates') },
              ...caseStates.map((value) => ({ value, label: label(value) })),
            ]}
            onChange={(value: string) => set('states', value === 'unfinished' ? '' : value)}
          />
          <Select
            aria-label={t('case.type')}
            value={filter.type}
            style={{ minWidth: 200 }}
            loading={types.isPending}
            options={[
              { value: '', label: t('case.allTypes') },
              ...[...titles].map(([value, title]) => ({ value, label: title })),
            ]}
            onChange={(value: string) => set('type', value)}
          />
          <Select
            aria-label={t('case.order')}
            value={filter.orderBy || 'due_time'}
            style={{ minWidth: 190 }}
            options={orders.map((value) => ({ value, label: t(`case.orders.${value.replace(/[ _]/g, '')}`) }))}
            onChange={(value: string) => set('order', value === 'due_time' ? '' : value)}
          />
          <Checkbox checked={filter.overdue} onChange={(event) => set('overdue', event.target.checked ? '1' : '')}>
            {t('case.overdueOnly')}
          </Checkbox>
          {may('workCases') ? (
            <Checkbox
              checked={filter.assignee !== ''}
              onChange={(event) => set('mine', event.target.checked ? '1' : '')}
            >
              {t('case.mine')}
            </Checkbox>
          ) : null}
        </Flex>
        {error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : (
          <Table<Case>
            size="middle"
            rowKey="name"
            loading={isFetching}
            dataSource={data?.cases ?? []}
            pagination={false}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: <Empty description={t('case.none')} /> }}
            columns={[
              {
                title: t('case.number'),
                render: (_, { name, number }) => (
                  <Link to={`/cases/${idOf(name)}`}>{number || idOf(name).slice(-8)}</Link>
                ),
              },
              {
                title: t('case.subject'),
                render: (_, { subject: text, isComplaint }) => (
                  <div style={{ maxWidth: 360, whiteSpace: 'normal' }}>
                    {isComplaint ? <Tag color="red">{t('case.complaint')}</Tag> : null} {text}
                  </div>
                ),
              },
              { title: t('case.type'), render: (_, { type }) => titles.get(type) ?? idOf(type) },
              { title: t('case.party'), render: (_, { party }) => <PartyName name={party} /> },
              { title: t('case.priority'), render: (_, { priority }) => <State value={priority} /> },
              { title: t('case.state'), render: (_, { state }) => <State value={state} /> },
              { title: t('case.assignee'), render: (_, { assignee }) => <StaffName name={assignee} /> },
              { title: t('case.due'), render: (_, one) => <DueTime of={one} /> },
            ]}
          />
        )}
        <Pager page={page} back={back} forward={forward} />
      </Card>
    </>
  );
}
