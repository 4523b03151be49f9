import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Card, Col, Descriptions, Flex, Popconfirm, Row, Skeleton, Steps } from 'antd';
import { useState } from 'react';
import { Link, useParams, useSearchParams } from 'react-router';
import {
  type Campaign,
  type CampaignStep,
  getCampaign,
  getCampaignSummary,
  moveCampaign,
} from '../../api/marketing.js';
import type { Ability } from '../../shared/access.js';
import { Failed } from '../../shared/failed.js';
import { idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, StaffName, State, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { Deliveries } from './deliveries.js';
import { Explain } from './explain.js';
import { Summary } from './summary.js';

const reloadMs = 3000;

const next: Record<string, { step: CampaignStep; ability: Ability }[]> = {
  CAMPAIGN_STATE_DRAFT: [{ step: 'submit', ability: 'createCampaign' }],
  CAMPAIGN_STATE_SUBMITTED: [{ step: 'approve', ability: 'approveCampaign' }],
  CAMPAIGN_STATE_APPROVED: [{ step: 'launch', ability: 'launchCampaign' }],
  CAMPAIGN_STATE_RUNNING: [{ step: 'pause', ability: 'launchCampaign' }],
  CAMPAIGN_STATE_PAUSED: [{ step: 'launch', ability: 'launchCampaign' }],
};

const way = ['CAMPAIGN_STATE_DRAFT', 'CAMPAIGN_STATE_SUBMITTED', 'CAMPAIGN_STATE_APPROVED', 'CAMPAIGN_STATE_RUNNING'];

function Actions({ campaign, id }: { campaign: Campaign; id: string }) {
  const { t } = useWords();
  const { may, subject } = useSession();
  const { mutate, isPending } = useWrite((step: CampaignStep) => moveCampaign(campaign, step), {
    done: t('campaign.moved'),
    reload: [['campaign', id], ['campaigns']],
  });
  return (next[campaign.state] ?? [])
    .filter(({ ability }) => may(ability))
    .map(({ step }) => (
      <Popconfirm
        key={step}
        title={t(`campaign.${step}Question`)}
        okText={t('common.yes')}
        cancelText={t('common.no')}
        onConfirm={() => mutate(step)}
      >
        <Button
          type={step === 'pause' ? 'default' : 'primary'}
          disabled={isPending || (step === 'approve' && campaign.createdBy === subject)}
        >
          {t(`campaign.${step}`)}
        </Button>
      </Popconfirm>
    ));
}

/** One campaign: where it stands, how far it is, and for every customer why something was sent or not. */
export function CampaignPage() {
  const { t, label, code } = useWords();
  const { may } = useSession();
  const { campaign: id = '' } = useParams();
  const [parameters] = useSearchParams();
  const [filter, setFilter] = useState({ decision: '', reason: '' });
  const [asked, setAsked] = useState(parameters.get('party') ?? '');
  const { data, error, refetch } = useQuery({
    queryKey: ['campaign', id],
    queryFn: ({ signal }) => getCampaign(id, signal),
    refetchInterval: ({ state }) => (state.data?.campaign.state === 'CAMPAIGN_STATE_RUNNING' ? reloadMs : false),
  });
  const launched = data?.campaign.launchTime !== undefined;
  const running = data?.campaign.state === 'CAMPAIGN_STATE_RUNNING';
  const summary = useQuery({
    queryKey: ['campaign', id, 'summary'],
    queryFn: ({ signal }) => getCampaignSummary(id, signal),
    enabled: launched,
    // By its own state: the campaign may be seen as completed before its last figures are.
    refetchInterval: ({ state }) => {
      const last = state.data;
      return !last || last.state === 'CAMPAIGN_STATE_RUNNING' || Number(last.pending) > 0 ? reloadMs : false;
    },
  });
  if (error && !data) {
    return (
      <>
        <PageHead title={t('menu.campaigns')} />
        <Failed error={error} retry={() => void refetch()} />
      </>
    );
  }
  if (!data) return <Skeleton active paragraph={{ rows: 10 }} />;
  const { campaign } = data;
  const current = campaign.launchTime ? 3 : way.indexOf(campaign.state);
  const done = campaign.state === 'CAMPAIGN_STATE_COMPLETED';
  return (
    <>
      <PageHead
        title={
          <>
            {campaign.title} <State value={campaign.state} />
          </>
        }
        note={campaign.organisationPath}
      >
        <Actions campaign={campaign} id={id} />
      </PageHead>
      <Flex vertical gap={16}>
        <Card size="small">
          <Steps
            size="small"
            current={done ? 4 : current}
            items={[
              { title: label('CAMPAIGN_STATE_DRAFT'), content: <StaffName name={campaign.createdBy} /> },
              { title: label('CAMPAIGN_STATE_SUBMITTED'), content: t('campaign.fourEyes') },
              {
                title: label('CAMPAIGN_STATE_APPROVED'),
                content: campaign.approvedBy ? <StaffName name={campaign.approvedBy} /> : null,
              },
              {
                title: label(done ? 'CAMPAIGN_STATE_COMPLETED' : 'CAMPAIGN_STATE_RUNNING'),
                content: campaign.launchTime ? <When time={campaign.launchTime} /> : null,
              },
            ]}
          />
        </Card>
        <Card size="small">
          <Descriptions
            size="small"
            column={{ xs: 1, md: 2, xl: 3 }}
            items={[
              {
                key: 'segment',
                label: t('campaign.segment'),
                children: (
                  <Link to={`/segments/${idOf(campaign.segmentVersion).replace(/@\d+$/, '')}`}>
                    {idOf(campaign.segmentVersion)}
                  </Link>
                ),
              },
              { key: 'template', label: t('campaign.template'), children: idOf(campaign.templateVersion) },
              { key: 'channel', label: t('consent.channel'), children: label(campaign.channel) },
              { key: 'purpose', label: t('consent.purpose'), children: code(campaign.purpose) },
              { key: 'holdout', label: t('campaign.holdout'), children: `${campaign.holdoutPercent} %` },
              {
                key: 'enter',
                label: t('campaign.onEnterShort'),
                children: t(campaign.onEnter ? 'common.yes' : 'common.no'),
              },
            ]}
          />
        </Card>
        {launched ? (
          <>
            {summary.error ? (
              <Failed error={summary.error} retry={() => void summary.refetch()} />
            ) : summary.data ? (
              <Summary summary={summary.data} onChoose={(decision, reason) => setFilter({ decision, reason })} />
            ) : (
              <Skeleton active />
            )}
            {may('viewDeliveries') ? (
              <Row gutter={[16, 16]}>
                <Col xs={24} xl={14}>
                  <Deliveries
                    campaign={campaign.name}
                    running={running}
                    filter={filter}
                    onFilter={setFilter}
                    onAsk={setAsked}
                  />
                </Col>
                <Col xs={24} xl={10}>
                  <Explain campaignId={id} asked={asked} onAsk={setAsked} />
                </Col>
              </Row>
            ) : null}
          </>
        ) : (
          <Alert type="info" showIcon title={t('campaign.notLaunched')} description={t('campaign.notLaunchedAdvice')} />
        )}
      </Flex>
    </>
  );
}
