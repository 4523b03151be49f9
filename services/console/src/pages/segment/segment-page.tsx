import { useQuery } from '@tanstack/react-query';
import { Alert, Card, Descriptions, Flex, Skeleton, Tabs, Typography } from 'antd';
import { useParams, useSearchParams } from 'react-router';
import { getSegment } from '../../api/segmentation.js';
import { Failed } from '../../shared/failed.js';
import { formatCount } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { Day, PageHead, StaffName, State, When } from '../../shared/show.js';
import { useRuleWords } from '../../shared/use-catalogue.js';
import { useWords } from '../../shared/words.js';
import { DryRun } from './dry-run.js';
import { ExplainMember } from './explain-member.js';
import { History } from './history.js';
import { Members } from './members.js';
import { RuleWork } from './rule-work.js';
import { SegmentActions } from './segment-actions.js';
import { Versions } from './versions.js';

/** One segment: what it means, its rule with a live count, its versions, who is in it and why, how it grew. */
export function SegmentPage() {
  const { t, language } = useWords();
  const { may } = useSession();
  const say = useRuleWords();
  const { segment: id = '' } = useParams();
  const [parameters, setParameters] = useSearchParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['segment', id],
    queryFn: ({ signal }) => getSegment(id, signal),
  });
  if (error && !data) {
    return (
      <>
        <PageHead title={t('menu.segments')} />
        <Failed error={error} retry={() => void refetch()} />
      </>
    );
  }
  if (!data) return <Skeleton active paragraph={{ rows: 10 }} />;
  const { segment } = data;
  const version = segment.latestVersion ?? data.version;
  // Members and reasons are those of the version in use, while the newest may still be a draft.
  const used = data.version;
  const openTab = (tab: string, party = ''): void => {
    setParameters(party ? { tab, party } : { tab }, { replace: true });
  };
  const overview = (
    <Flex vertical gap={16}>
      {version.state === 'SEGMENT_STATE_DRAFT' && version.rejectReason ? (
        <Alert type="warning" showIcon title={t('segment.sentBack')} description={version.rejectReason} />
      ) : null}
      {segment.publishedVersion > 0 && segment.publishedVersion !== version.version ? (
        <Alert
          type="info"
          showIcon
          title={t('segment.otherInUse', { used: segment.publishedVersion, newest: version.version })}
        />
      ) : null}
      <Card size="small">
        <Typography.Paragraph>{say(version.rule, version.description)}</Typography.Paragraph>
        <Descriptions
          size="small"
          column={{ xs: 1, md: 3 }}
          items={[
            {
              key: 'members',
              label: t('segment.members'),
              children: used.evaluateTime ? formatCount(used.members, language) : t('segment.notEvaluated'),
            },
            { key: 'evaluated', label: t('segment.evaluateTime'), children: <When time={used.evaluateTime} /> },
            {
              key: 'asOf',
              label: t('segment.asOf'),
              children: version.asOf ? <Day date={version.asOf} /> : t('segment.today'),
            },
            { key: 'version', label: t('segment.version'), children: version.version },
            { key: 'author', label: t('segment.author'), children: <StaffName name={version.createdBy} /> },
            {
              key: 'approver',
              label: t('segment.approver'),
              children: version.approvedBy ? (
                <>
                  <StaffName name={version.approvedBy} />
                  {' · '}
                  <When time={version.approveTime} />
                </>
              ) : (
                '–'
              ),
            },
            { key: 'publish', label: t('segment.publishTime'), children: <When time={version.publishTime} /> },
          ]}
        />
      </Card>
      <History id={id} />
    </Flex>
  );
  const tabs = [
    { key: 'overview', label: t('segment.overview'), children: overview, shown: true },
    {
      key: 'rule',
      label: t('segment.rule'),
      children: <RuleWork key={id} id={id} version={version} organisationPath={segment.organisationPath} />,
      shown: true,
    },
    {
      key: 'members',
      label: t('segment.membersTab'),
      children: <Members version={used.name} onExplain={(party) => openTab('why', party)} />,
      shown: may('listMembers'),
    },
    { key: 'versions', label: t('versions.tab'), children: <Versions id={id} />, shown: true },
    {
      key: 'why',
      label: t('why.tab'),
      children: (
        <ExplainMember
          segment={used.name}
          asked={parameters.get('party') ?? ''}
          onAsk={(party) => openTab('why', party)}
        />
      ),
      shown: may('explainMembership'),
    },
    {
      key: 'dry-run',
      label: t('dryRun.tab'),
      children: <DryRun rule={version.rule} organisationPath={segment.organisationPath} />,
      shown: may('previewChanges'),
    },
  ];
  return (
    <>
      <PageHead
        title={
          <>
            {segment.title} <State value={version.state} />
          </>
        }
        note={`${version.name} · ${segment.organisationPath}`}
      >
        <SegmentActions id={id} version={version} />
      </PageHead>
      <Tabs
        destroyOnHidden
        activeKey={parameters.get('tab') ?? 'overview'}
        onChange={(tab) => openTab(tab)}
        items={tabs.filter(({ shown }) => shown).map(({ key, label, children }) => ({ key, label, children }))}
      />
    </>
  );
}
