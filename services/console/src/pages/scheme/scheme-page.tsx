import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Card, Col, Descriptions, Empty, Flex, Row, Skeleton, Table, Tabs, Tag } from 'antd';
import { lazy, Suspense, useMemo, useState } from 'react';
import { Link, useParams, useSearchParams } from 'react-router';
import { createSchemeVersion, getScheme, listSchemeVersions, type SchemeVersion } from '../../api/schemes.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, formatNumber, idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { Day, PageHead, StaffName, State, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { useGroupTitle } from './group-title.js';
import { KeptGroups } from './group-input.js';
import { PlanEditor } from './plan-editor.js';
import { SchemeActions } from './scheme-actions.js';
import { SchemeDryRun } from './scheme-dry-run.js';
import { Model } from './scheme-model.js';
import { SchemeRuns } from './scheme-runs.js';
import { SchemeVersions } from './scheme-versions.js';

const Chart = lazy(() => import('../../shared/chart.js'));

interface WorkProps {
  id: string;
  kind: string;
  version: SchemeVersion;
  organisationPath: string;
}

/** How the scheme divides, to change: saving makes the next version. */
function PlanWork({ id, kind, version, organisationPath }: WorkProps) {
  const { t } = useWords();
  const { may } = useSession();
  const [plan, setPlan] = useState(version.plan);
  const kept = useMemo(() => new Set(version.groups.map(({ group }) => group.groupId)), [version]);
  const changed = JSON.stringify(plan) !== JSON.stringify(version.plan);
  const { mutate, isPending } = useWrite(() => createSchemeVersion(id, plan), {
    done: t('segment.versionSaved'),
    reload: [['scheme', id], ['schemes']],
  });
  return (
    <Flex vertical gap={12}>
      <KeptGroups.Provider value={kept}>
        <PlanEditor
          plan={plan}
          kind={kind}
          organisationPath={organisationPath}
          checks={may('checkSchemes')}
          onChange={setPlan}
        />
      </KeptGroups.Provider>
      {may('editSegments') ? (
        <Flex gap={8} justify="flex-end">
          <Button disabled={!changed} onClick={() => setPlan(version.plan)}>
            {t('segment.revert')}
          </Button>
          <Button type="primary" disabled={!changed} loading={isPending} onClick={() => mutate()}>
            {t('segment.saveVersion')}
          </Button>
        </Flex>
      ) : null}
    </Flex>
  );
}

/** The groups, how many customers each has, and the segments that they are. */
function Groups({ version }: { version: SchemeVersion }) {
  const { t, language } = useWords();
  const titleOf = useGroupTitle();
  const { groups } = version;
  const total = groups.reduce((sum, { members }) => sum + Number(members), 0);
  const published = version.state === 'SEGMENT_STATE_PUBLISHED';
  const privileges = new Map(version.plan.tiers?.tiers.map((tier) => [tier.group.groupId, tier.privileges]));
  const entitles = [...privileges.values()].some((some) => some.length > 0);
  const flows = new URLSearchParams(groups.map(({ segment }) => ['segment', segment]));
  return (
    <Card
      size="small"
      title={t('scheme.groups')}
      extra={published ? <Link to={`/segmentation/flows?${flows}`}>{t('scheme.flows')}</Link> : null}
    >
      {groups.length === 0 ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('scheme.noGroups')} />
      ) : (
        <Row gutter={[16, 16]}>
          <Col xs={24} lg={total > 0 ? 14 : 24}>
            <Table
              size="small"
              rowKey="segment"
              pagination={false}
              dataSource={groups}
              columns={[
                {
                  title: t('scheme.group'),
                  render: (_, { group, segment }) =>
                    published ? (
                      <Link to={`/segments/${idOf(segment)}`}>{titleOf(group)}</Link>
                    ) : (
                      <span>{titleOf(group)}</span>
                    ),
                },
                {
                  title: t('segment.members'),
                  align: 'right',
                  render: (_, { members }) => (published ? formatCount(members, language) : '–'),
                },
                {
                  title: t('scheme.share'),
                  align: 'right',
                  render: (_, { members }) =>
                    total > 0 ? `${formatNumber((100 * Number(members)) / total, language, 1)} %` : '–',
                },
                ...(entitles
                  ? [
                      {
                        title: t('scheme.privileges'),
                        render: (_: unknown, { group }: (typeof groups)[number]) => (
                          <Flex gap={4} wrap>
                            {(privileges.get(group.groupId) ?? []).map(({ code, title, titleZh }) => (
                              <Tag key={code}>{language === 'zh' ? titleZh || title : title}</Tag>
                            ))}
                          </Flex>
                        ),
                      },
                    ]
                  : []),
              ]}
            />
          </Col>
          {total > 0 ? (
            <Col xs={24} lg={10}>
              <Suspense fallback={<Skeleton active />}>
                <Chart
                  height={240}
                  name={t('scheme.groups')}
                  option={{
                    tooltip: { trigger: 'item' },
                    series: [
                      {
                        type: 'pie',
                        radius: ['45%', '75%'],
                        data: groups.map(({ group, members }) => ({ name: titleOf(group), value: Number(members) })),
                      },
                    ],
                  }}
                />
              </Suspense>
            </Col>
          ) : null}
        </Row>
      )}
    </Card>
  );
}

/** One scheme: its groups, how it divides, what was computed for it, and the work on it. */
export function SchemePage() {
  const { t, label } = useWords();
  const { may } = useSession();
  const { scheme: id = '' } = useParams();
  const [parameters, setParameters] = useSearchParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['scheme', id],
    queryFn: ({ signal }) => getScheme(id, signal),
  });
  // By the state too, so that the list follows what was done with the newest one.
  const latest = data?.scheme.latestVersion;
  const { data: known } = useQuery({
    queryKey: ['scheme', id, 'versions', latest?.name, latest?.state],
    queryFn: ({ signal }) => listSchemeVersions(id, '', signal),
  });
  if (error && !data) {
    return (
      <>
        <PageHead title={t('scheme.title')} />
        <Failed error={error} retry={() => void refetch()} />
      </>
    );
  }
  if (!data) return <Skeleton active paragraph={{ rows: 10 }} />;
  const { scheme } = data;
  const version = scheme.latestVersion ?? data.version;
  const overview = (
    <Flex vertical gap={16}>
      {version.state === 'SEGMENT_STATE_DRAFT' && version.rejectReason ? (
        <Alert type="warning" showIcon title={t('segment.sentBack')} description={version.rejectReason} />
      ) : null}
      {scheme.publishedVersion > 0 && scheme.publishedVersion !== version.version ? (
        <Alert
          type="info"
          showIcon
          title={t('segment.otherInUse', { used: scheme.publishedVersion, newest: version.version })}
        />
      ) : null}
      <Card size="small">
        <Descriptions
          size="small"
          column={{ xs: 1, md: 3 }}
          items={[
            { key: 'kind', label: t('scheme.kind'), children: label(scheme.kind) },
            { key: 'version', label: t('segment.version'), children: version.version },
            ...(scheme.kind === 'SCHEME_KIND_PARTITION'
              ? []
              : [{ key: 'day', label: t('scheme.assigned'), children: <Day date={version.assignedDate} /> }]),
            { key: 'author', label: t('segment.author'), children: <StaffName name={version.createdBy} /> },
            {
              key: 'approver',
              label: t('segment.approver'),
              children: version.approvedBy ? <StaffName name={version.approvedBy} /> : '–',
            },
            { key: 'publish', label: t('segment.publishTime'), children: <When time={version.publishTime} /> },
          ]}
        />
      </Card>
      <Groups version={version} />
      {version.model ? <Model model={version.model} groups={version.groups.map(({ group }) => group)} /> : null}
      <SchemeRuns id={id} />
    </Flex>
  );
  return (
    <>
      <PageHead
        title={
          <>
            {scheme.title} <State value={version.state} />
          </>
        }
        note={`${version.name} · ${scheme.organisationPath}`}
      >
        <SchemeActions id={id} kind={scheme.kind} version={version} />
      </PageHead>
      <Tabs
        destroyOnHidden
        activeKey={parameters.get('tab') ?? 'overview'}
        onChange={(tab) => setParameters({ tab }, { replace: true })}
        items={[
          { key: 'overview', label: t('segment.overview'), children: overview },
          {
            key: 'plan',
            label: t('scheme.plan'),
            children: (
              <PlanWork
                key={version.name}
                id={id}
                kind={scheme.kind}
                version={version}
                organisationPath={scheme.organisationPath}
              />
            ),
          },
          ...(may('listMembers')
            ? [
                {
                  key: 'dry-run',
                  label: t('schemeRun.title'),
                  children: known ? (
                    <SchemeDryRun key={version.name} id={id} kind={scheme.kind} versions={known.versions} />
                  ) : (
                    <Skeleton active />
                  ),
                },
              ]
            : []),
          {
            key: 'versions',
            label: t('schemeRun.versions'),
            children: known ? <SchemeVersions key={version.name} versions={known.versions} /> : <Skeleton active />,
          },
        ]}
      />
    </>
  );
}
