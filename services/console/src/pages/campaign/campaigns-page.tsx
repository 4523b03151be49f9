import { Button, Card, Empty, Select, Table } from 'antd';
import { Link, useSearchParams } from 'react-router';
import { type Campaign, listCampaigns } from '../../api/marketing.js';
import { Failed } from '../../shared/failed.js';
import { idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, StaffName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

const states = [
  'CAMPAIGN_STATE_DRAFT',
  'CAMPAIGN_STATE_SUBMITTED',
  'CAMPAIGN_STATE_APPROVED',
  'CAMPAIGN_STATE_RUNNING',
  'CAMPAIGN_STATE_PAUSED',
  'CAMPAIGN_STATE_COMPLETED',
];

/** The campaigns that the person may see. */
export function CampaignsPage() {
  const { t, label, code } = useWords();
  const { may } = useSession();
  const [parameters, setParameters] = useSearchParams();
  const state = parameters.get('state') ?? '';
  const { data, error, isFetching, refetch, page, back, forward } = usePages(['campaigns', state], (token, signal) =>
    listCampaigns(state, token, signal),
  );
  return (
    <>
      <PageHead title={t('menu.campaigns')} note={t('campaign.note')}>
        <Select
          aria-label={t('campaign.state')}
          value={state}
          style={{ minWidth: 150 }}
          options={[
            { value: '', label: t('common.allStates') },
            ...states.map((value) => ({ value, label: label(value) })),
          ]}
          onChange={(value: string) => setParameters(value ? { state: value } : {}, { replace: true })}
        />
        {may('createCampaign') ? (
          <Link to="/campaigns/new">
            <Button type="primary">{t('campaign.create')}</Button>
          </Link>
        ) : null}
      </PageHead>
      <Card size="small">
        {error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : (
          <Table<Campaign>
            size="middle"
            rowKey="name"
            loading={isFetching}
            dataSource={data?.campaigns ?? []}
            pagination={false}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: <Empty description={t('campaign.none')} /> }}
            columns={[
              {
                title: t('campaign.title'),
                render: (_, { name, title }) => <Link to={`/campaigns/${idOf(name)}`}>{title}</Link>,
              },
              { title: t('campaign.segment'), render: (_, { segmentVersion }) => idOf(segmentVersion) },
              { title: t('consent.purpose'), render: (_, { purpose }) => code(purpose) },
              { title: t('consent.channel'), render: (_, { channel }) => label(channel) },
              { title: t('campaign.state'), render: (_, one) => <State value={one.state} /> },
              { title: t('campaign.author'), render: (_, { createdBy }) => <StaffName name={createdBy} /> },
              { title: t('campaign.launched'), render: (_, { launchTime }) => <When time={launchTime} /> },
            ]}
          />
        )}
        <Pager page={page} back={back} forward={forward} />
      </Card>
    </>
  );
}
