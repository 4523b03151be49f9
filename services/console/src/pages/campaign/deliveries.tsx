import { Button, Card, Empty, Select, Table } from 'antd';
import { type Delivery, listDeliveries } from '../../api/marketing.js';
import { Failed } from '../../shared/failed.js';
import { Pager, usePages } from '../../shared/pages.js';
import { PartyName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

const decisions = ['SENT', 'HELD', 'SUPPRESSED', 'HOLDOUT', 'FAILED', 'PENDING'].map(
  (one) => `DELIVERY_DECISION_${one}`,
);
const reloadMs = 5000;

interface DeliveriesProps {
  campaign: string;
  running: boolean;
  filter: { decision: string; reason: string };
  onFilter: (filter: { decision: string; reason: string }) => void;
  onAsk: (party: string) => void;
}

/** What was decided for each customer. */
export function Deliveries({ campaign, running, filter, onFilter, onAsk }: DeliveriesProps) {
  const { t, label } = useWords();
  const { data, error, isPending, refetch, page, back, forward } = usePages(
    ['deliveries', campaign, filter],
    (token, signal) => listDeliveries({ campaign, ...filter }, token, signal),
    { refetchInterval: running ? reloadMs : false },
  );
  return (
    <Card
      size="small"
      title={t('campaign.deliveries')}
      extra={
        <Select
          size="small"
          aria-label={t('campaign.decision')}
          value={filter.decision}
          style={{ minWidth: 150 }}
          options={[
            { value: '', label: t('common.all') },
            ...decisions.map((value) => ({ value, label: label(value) })),
          ]}
          onChange={(decision: string) => onFilter({ decision, reason: '' })}
        />
      }
    >
      {error ? (
        <Failed error={error} retry={() => void refetch()} />
      ) : (
        <Table<Delivery>
          size="small"
          rowKey="name"
          loading={isPending}
          dataSource={data?.deliveries ?? []}
          pagination={false}
          scroll={{ x: 'max-content' }}
          locale={{
            emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('campaign.noDeliveries')} />,
          }}
          columns={[
            { title: t('case.party'), render: (_, { party }) => <PartyName name={party} /> },
            { title: t('campaign.decision'), render: (_, { decision }) => <State value={decision} /> },
            { title: t('campaign.reason'), render: (_, { reason }) => label(reason) },
            { title: t('campaign.decided'), render: (_, { decideTime }) => <When time={decideTime} /> },
            {
              title: '',
              key: 'why',
              render: (_, { party }) => (
                <Button size="small" onClick={() => onAsk(party)}>
                  {t('campaign.why')}
                </Button>
              ),
            },
          ]}
        />
      )}
      <Pager page={page} back={back} forward={forward} />
    </Card>
  );
}
