import { useQuery } from '@tanstack/react-query';
import { Flex, Tooltip, Typography } from 'antd';
import { Link } from 'react-router';
import { getMemberships } from '../../api/segmentation.js';
import { idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

/** Which segments the customer is in. */
export function MembershipsPart({ id }: { id: string }) {
  const { t } = useWords();
  const { may } = useSession();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['party', id, 'memberships'],
    queryFn: ({ signal }) => getMemberships(id, signal),
  });
  const memberships = data?.memberships ?? [];
  return (
    <Part
      title={t('customer.memberships')}
      asOf={data?.asOf}
      loading={isPending}
      error={error}
      retry={() => void refetch()}
      empty={memberships.length === 0 ? t('customer.noMemberships') : undefined}
    >
      <Flex vertical gap={8}>
        {memberships.map(({ segmentVersion, title, description, enterTime }) => (
          <Flex key={segmentVersion} justify="space-between" gap={8}>
            <Tooltip title={description}>
              {may('viewSegments') ? (
                <Link to={`/segments/${idOf(segmentVersion).replace(/@\d+$/, '')}`}>{title}</Link>
              ) : (
                <span>{title}</span>
              )}
            </Tooltip>
            <Typography.Text type="secondary">
              <When time={enterTime} />
            </Typography.Text>
          </Flex>
        ))}
      </Flex>
    </Part>
  );
}
