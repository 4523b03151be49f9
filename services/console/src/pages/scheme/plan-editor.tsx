import { useQuery } from '@tanstack/react-query';
import { Alert, Card, Col, Flex, Row, Segmented, Spin, Table, Typography } from 'antd';
import { Problem } from '../../api/client.js';
import { checkScheme, type GroupTitle, type SchemePlan, type SchemeProblem } from '../../api/schemes.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, formatNumber } from '../../shared/format.js';
import { PartyName } from '../../shared/show.js';
import { useLater } from '../../shared/use-later.js';
import { useWords } from '../../shared/words.js';
import { ClustersEditor, LookalikeEditor, TiersEditor } from './model-editors.js';
import { BandsEditor, RulesEditor } from './partition-editor.js';
import { useGroupTitle } from './group-title.js';
import { beginnings, formOf, formsOf, isFitted, usualInactive, usualRfm } from './plans.js';
import { RfmEditor } from './rfm-editor.js';

const checkAfterMs = 700;

/** The groups that a plan names itself. */
function groupsOf(plan: SchemePlan): GroupTitle[] {
  const named = [
    ...(plan.bands?.bands.map(({ group }) => group) ?? []),
    plan.bands?.missing,
    ...(plan.rules?.groups.map(({ group }) => group) ?? []),
    plan.rules?.otherwise,
    ...(plan.tiers?.tiers.map(({ group }) => group) ?? []),
    ...(plan.rfm ? (plan.rfm.groups?.length ? plan.rfm.groups : usualRfm).map(({ group }) => group) : []),
    plan.rfm ? (plan.rfm.inactive ?? usualInactive) : undefined,
  ];
  return named.filter((group) => group !== undefined);
}

/** What is wrong with a plan, with the customer or the values that show it. */
function Fault({ problem }: { problem: SchemeProblem }) {
  const { t, label } = useWords();
  const { reason, message, exampleParty, example } = problem;
  return (
    <Alert
      type="error"
      showIcon
      title={label(`SCHEME_${reason}`)}
      description={
        <Flex vertical gap={4}>
          <span>{message}</span>
          {exampleParty ? (
            <span>
              {t('scheme.exampleParty')} <PartyName name={exampleParty} />
            </span>
          ) : null}
          {example ? (
            <span>
              {t('scheme.example')} <Typography.Text code>{example}</Typography.Text>
            </span>
          ) : null}
        </Flex>
      }
    />
  );
}

interface CheckProps {
  plan: SchemePlan;
  kind: string;
  organisationPath: string;
}

/** Whether the plan is sound, and how many customers each group would have; asked again while one writes. */
function Check({ plan, kind, organisationPath }: CheckProps) {
  const { t, language } = useWords();
  const titleOf = useGroupTitle();
  const later = useLater(plan, checkAfterMs);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['check-scheme', later, organisationPath],
    queryFn: ({ signal }) => checkScheme(later, organisationPath, signal),
    placeholderData: (last) => last,
    staleTime: 30_000,
    retry: false,
  });
  const waits = isFetching || later !== plan;
  const incomplete = error instanceof Problem && error.status === 400;
  const counted = (data?.counts ?? []).reduce((sum, { parties }) => sum + Number(parties), 0);
  const byId = new Map(groupsOf(plan).map((group) => [group.groupId, group]));
  return (
    <Card size="small" title={t('scheme.check')} extra={waits ? <Spin size="small" /> : null}>
      {incomplete ? (
        <Alert
          type="warning"
          showIcon
          title={t('scheme.incomplete')}
          description={error.violations.map(({ field, description }) => `${field}: ${description}`).join('; ')}
        />
      ) : null}
      {error && !incomplete ? <Failed error={error} retry={() => void refetch()} /> : null}
      {data && !error ? (
        <Flex vertical gap={12} style={{ opacity: waits ? 0.5 : 1 }} aria-live="polite" data-testid="scheme-check">
          {data.problems.map((problem) => (
            <Fault key={`${problem.field} ${problem.reason} ${problem.groups.join()}`} problem={problem} />
          ))}
          {data.problems.length === 0 ? (
            <Alert
              type="success"
              showIcon
              title={data.proved ? t('scheme.proved') : t('scheme.sound')}
              description={isFitted(kind) ? t('scheme.fitFirst') : undefined}
            />
          ) : null}
          {data.counts.length > 0 ? (
            <Table
              size="small"
              rowKey="groupId"
              pagination={false}
              dataSource={data.counts}
              columns={[
                {
                  title: t('scheme.group'),
                  render: (_, { groupId }) => titleOf(byId.get(groupId)) || groupId,
                },
                {
                  title: t('preview.customers'),
                  align: 'right',
                  render: (_, { parties }) => formatCount(parties, language),
                },
                {
                  title: t('scheme.share'),
                  align: 'right',
                  render: (_, { parties }) =>
                    counted > 0 ? `${formatNumber((100 * Number(parties)) / counted, language, 1)} %` : '–',
                },
              ]}
            />
          ) : null}
          {data.uncovered !== '0' ? (
            <Typography.Text type="danger">
              {t('scheme.uncovered', { count: formatCount(data.uncovered, language) })}
            </Typography.Text>
          ) : null}
          {data.overlapping !== '0' ? (
            <Typography.Text type="danger">
              {t('scheme.overlapping', { count: formatCount(data.overlapping, language) })}
            </Typography.Text>
          ) : null}
        </Flex>
      ) : null}
    </Card>
  );
}

interface PlanProps {
  plan: SchemePlan;
  kind: string;
  organisationPath: string;
  /** Whether the role may have a plan checked. */
  checks: boolean;
  onChange: (plan: SchemePlan) => void;
}

/** How a scheme divides, with what is wrong in it and the numbers that it makes. */
export function PlanEditor({ plan, kind, organisationPath, checks, onChange }: PlanProps) {
  const { label } = useWords();
  const form = formOf(plan);
  const forms = formsOf[kind] ?? [];
  return (
    <Row gutter={[16, 16]}>
      <Col xs={24} xl={15}>
        <Card size="small">
          {forms.length > 1 ? (
            <Segmented
              value={form}
              style={{ marginBottom: 16 }}
              options={forms.map((one) => ({ value: one, label: label(`SCHEME_FORM_${one}`) }))}
              onChange={(next) => onChange(beginnings[next])}
            />
          ) : null}
          {plan.bands ? <BandsEditor plan={plan.bands} onChange={(bands) => onChange({ bands })} /> : null}
          {plan.rules ? <RulesEditor plan={plan.rules} onChange={(rules) => onChange({ rules })} /> : null}
          {plan.tiers ? <TiersEditor plan={plan.tiers} onChange={(tiers) => onChange({ tiers })} /> : null}
          {plan.rfm ? <RfmEditor plan={plan.rfm} onChange={(rfm) => onChange({ rfm })} /> : null}
          {plan.clusters ? (
            <ClustersEditor plan={plan.clusters} onChange={(clusters) => onChange({ clusters })} />
          ) : null}
          {plan.lookalike ? (
            <LookalikeEditor plan={plan.lookalike} onChange={(lookalike) => onChange({ lookalike })} />
          ) : null}
        </Card>
      </Col>
      <Col xs={24} xl={9}>
        {checks ? <Check plan={plan} kind={kind} organisationPath={organisationPath} /> : null}
      </Col>
    </Row>
  );
}
