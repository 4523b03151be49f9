import { useQuery } from '@tanstack/react-query';
import { Alert, Card, Descriptions, Empty, Flex, Progress, Select, Skeleton, Table } from 'antd';
import { useSearchParams } from 'react-router';
import {
  getRanking,
  getScore,
  type KpiPlan,
  type KpiScore,
  listPlans,
  listUnits,
  type RankingRow,
} from '../api/performance.js';
import { Problem } from '../api/client.js';
import { Failed } from '../shared/failed.js';
import { formatCount, formatNumber, idOf, shortName } from '../shared/format.js';
import { Pager, usePages } from '../shared/pages.js';
import { useSession } from '../shared/session-context.js';
import { AsOf, Day, PageHead } from '../shared/show.js';
import { useWords } from '../shared/words.js';

const million = 1_000_000;
const percent = (millionths: string): number => (Number(millionths) / million) * 100;

/** What a total is made of: each KPI with its target and the points earned. */
function Breakdown({ staff, plan, run }: { staff: string; plan: string; run: string }) {
  const { t, language, code } = useWords();
  const { data, error, refetch } = useQuery({
    queryKey: ['score', staff, plan, run],
    queryFn: ({ signal }) => getScore(staff, run ? { run } : { plan }, signal),
  });
  const none = error instanceof Problem && error.status === 404;
  if (none) return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('ranking.noScore')} />;
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton active title={false} />;
  const figure = (thousandths: string): string => formatNumber(Number(thousandths) / 1000, language, 3);
  return (
    <Table<KpiScore>
      size="small"
      rowKey="kpi"
      dataSource={data.score.kpis}
      pagination={false}
      scroll={{ x: 'max-content' }}
      columns={[
        { title: t('ranking.kpi'), render: (_, { kpi }) => code(kpi) },
        {
          title: t('ranking.weight'),
          align: 'right',
          render: (_, one) => `${formatNumber(one.weightBasisPoints / 100, language)} %`,
        },
        { title: t('ranking.facts'), align: 'right', render: (_, { factCount }) => formatCount(factCount, language) },
        { title: t('ranking.actual'), align: 'right', render: (_, one) => figure(one.actualThousandths) },
        { title: t('ranking.target'), align: 'right', render: (_, one) => figure(one.targetThousandths) },
        {
          title: t('ranking.attainment'),
          width: 200,
          render: (_, one) => {
            const reached = percent(one.attainmentMillionths);
            return (
              <Progress
                size="small"
                percent={Math.min(reached, 100)}
                format={() => `${formatNumber(reached, language, 1)} %`}
              />
            );
          },
        },
        {
          title: t('ranking.points'),
          align: 'right',
          render: (_, one) => formatNumber(percent(one.pointsMillionths), language, 2),
        },
      ]}
    />
  );
}

function Ranking({ plan, unit, unitTitle }: { plan: string; unit: string; unitTitle: (name: string) => string }) {
  const { t, language } = useWords();
  const { subject } = useSession();
  const { data, error, isFetching, refetch, page, back, forward } = usePages(['ranking', plan, unit], (token, signal) =>
    getRanking(plan, unit, token, signal),
  );
  if (error instanceof Problem && error.status === 404) return <Empty description={t('ranking.noRun')} />;
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  const best = Math.max(million, ...(data?.rows ?? []).map(({ totalMillionths }) => Number(totalMillionths)));
  return (
    <Card
      size="small"
      title={t('ranking.people', { total: formatCount(data?.totalSize ?? 0, language) })}
      extra={<AsOf time={data?.run?.asOf} />}
    >
      <Table<RankingRow>
        size="middle"
        rowKey="staff"
        loading={isFetching}
        dataSource={data?.rows ?? []}
        pagination={false}
        scroll={{ x: 'max-content' }}
        locale={{ emptyText: <Empty description={t('ranking.none')} /> }}
        expandable={{
          expandRowByClick: true,
          expandedRowRender: ({ staff }) => <Breakdown staff={staff} plan={plan} run={data?.run?.name ?? ''} />,
        }}
        columns={[
          { title: t('ranking.rank'), dataIndex: 'rank', width: 70, align: 'right' },
          {
            title: t('ranking.person'),
            render: (_, { staff, displayName }) =>
              staff === subject ? <strong>{displayName}</strong> : displayName || shortName(staff),
          },
          { title: t('ranking.unit'), render: (_, row) => unitTitle(row.unit) },
          {
            title: t('ranking.points'),
            width: 320,
            render: (_, { totalMillionths }) => (
              <Progress
                percent={(Number(totalMillionths) / best) * 100}
                format={() => formatNumber(percent(totalMillionths), language, 2)}
              />
            ),
          },
        ]}
      />
      <Pager page={page} back={back} forward={forward} />
    </Card>
  );
}

/** Who reached how much of a plan, and of what that is made. Who may not see the others sees the own score. */
export function RankingPage() {
  const { t } = useWords();
  const { may, subject } = useSession();
  const [parameters, setParameters] = useSearchParams();
  const plans = useQuery({ queryKey: ['plans'], queryFn: ({ signal }) => listPlans(signal) });
  const units = useQuery({ queryKey: ['units'], queryFn: ({ signal }) => listUnits(signal), staleTime: 300_000 });
  const all = plans.data?.plans ?? [];
  const plan: KpiPlan | undefined = all.find(({ name }) => name === parameters.get('plan')) ?? all.at(-1);
  const unit = parameters.get('unit') ?? '';
  const set = (name: string, value: string): void => {
    const next = new URLSearchParams(parameters);
    if (value) next.set(name, value);
    else next.delete(name);
    setParameters(next, { replace: true });
  };
  const titles = new Map(units.data?.organisationUnits.map(({ name, title }) => [name, title]));
  const unitTitle = (name: string): string => titles.get(name) ?? idOf(name);
  return (
    <>
      <PageHead title={t('menu.ranking')} note={t('ranking.note')}>
        <Select
          aria-label={t('ranking.plan')}
          loading={plans.isPending}
          value={plan?.name}
          placeholder={t('ranking.plan')}
          style={{ minWidth: 220 }}
          options={all.map(({ name, title, version }) => ({ value: name, label: `${title} (${version})` }))}
          onChange={(value: string) => set('plan', value)}
        />
        {may('viewRanking') ? (
          <Select
            aria-label={t('ranking.unit')}
            loading={units.isPending}
            value={unit}
            style={{ minWidth: 200 }}
            showSearch={{ optionFilterProp: 'label' }}
            options={[
              { value: '', label: t('ranking.allUnits') },
              ...(units.data?.organisationUnits ?? []).map(({ name, title }) => ({ value: name, label: title })),
            ]}
            onChange={(value: string) => set('unit', value)}
          />
        ) : null}
      </PageHead>
      {plans.error ? <Failed error={plans.error} retry={() => void plans.refetch()} /> : null}
      {plans.isPending ? <Skeleton active /> : null}
      {plans.data && !plan ? (
        <Alert type="info" showIcon title={t('ranking.noPlan')} description={t('ranking.noPlanAdvice')} />
      ) : null}
      {plan ? (
        <Flex vertical gap={16}>
          <Card size="small">
            <Descriptions
              size="small"
              column={{ xs: 1, md: 3 }}
              items={[
                { key: 'title', label: t('ranking.plan'), children: plan.title },
                {
                  key: 'range',
                  label: t('ranking.range'),
                  children: (
                    <span>
                      <Day date={plan.startDate} /> – <Day date={plan.endDate} />
                    </span>
                  ),
                },
                { key: 'unit', label: t('ranking.unit'), children: unitTitle(plan.unit) },
              ]}
            />
          </Card>
          {may('viewRanking') ? (
            <Ranking plan={plan.name} unit={unit} unitTitle={unitTitle} />
          ) : may('viewOwnScore') ? (
            <Card size="small" title={t('ranking.own')}>
              <Breakdown staff={subject} plan={plan.name} run="" />
            </Card>
          ) : null}
        </Flex>
      ) : null}
    </>
  );
}
