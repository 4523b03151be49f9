import { Flex, Typography } from 'antd';
import { Link } from 'react-router';
import { listDeliveries } from '../../api/marketing.js';
import { idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

/** What was sent to the customer, and what was not and why. */
export function DeliveriesPart({ party }: { party: string }) {
  const { t, label } = useWords();
  const { may } = useSession();
  const { data, error, isPending, refetch, dataUpdatedAt, page, back, forward } = usePages(
    ['deliveries', 'of', party],
    (token, signal) => listDeliveries({ party }, token, signal),
  );
  const deliveries = data?.deliveries ?? [];
  return (
    <Part
      title={t('customer.deliveries')}
      asOf={dataUpdatedAt ? new Date(dataUpdatedAt).toISOString() : undefined}
      loading={isPending}
      error={error}
      retry={() => void refetch()}
      empty={deliveries.length === 0 ? t('customer.noDeliveries') : undefined}
    >
      <Flex vertical gap={8}>
        {deliveries.map(({ name, campaign, decision, reason, decideTime, createTime }) => (
          <Flex key={name} justify="space-between" gap={8} wrap>
            <Flex gap={8}>
              <State value={decision} />
              {may('viewCampaigns') ? (
                <Link to={`/campaigns/${idOf(campaign)}?party=${encodeURIComponent(party)}`}>{label(reason)}</Link>
              ) : (
                <span>{label(reason)}</span>
              )}
            </Flex>
            <Typography.Text type="secondary">
              <When time={decideTime ?? createTime} />
            </Typography.Text>
          </Flex>
        ))}
      </Flex>
      <Pager page={page} back={back} forward={forward} />
    </Part>
  );
}
