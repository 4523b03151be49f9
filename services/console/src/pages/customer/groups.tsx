import { useQuery } from '@tanstack/react-query';
import { Flex, Skeleton, Tag, Typography } from 'antd';
import { Link } from 'react-router';
import { listPartyGroups } from '../../api/schemes.js';
import { Failed } from '../../shared/failed.js';
import { formatDay, idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { useWords } from '../../shared/words.js';
import { useGroupTitle } from '../scheme/group-title.js';

/** The tiers, RFM groups, clusters and look-alikes that the customer is in, with what they entitle to. */
export function Groups({ id }: { id: string }) {
  const { t, language } = useWords();
  const { may } = useSession();
  const titleOf = useGroupTitle();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['party', id, 'groups'],
    queryFn: ({ signal }) => listPartyGroups(id, signal),
    retry: false,
  });
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (isPending) return <Skeleton active title={false} paragraph={{ rows: 1 }} />;
  const current = data.groups.filter((one) => one.current);
  if (current.length === 0) return null;
  return (
    <Flex vertical gap={8}>
      <Typography.Text strong>{t('scheme.ofCustomer')}</Typography.Text>
      {current.map(({ scheme, group, fromDate, privileges }) => (
        <Flex key={scheme} vertical gap={4}>
          <Flex justify="space-between" gap={8}>
            {may('viewSegments') ? (
              <Link to={`/segmentation/schemes/${idOf(scheme)}`}>{titleOf(group)}</Link>
            ) : (
              <span>{titleOf(group)}</span>
            )}
            {fromDate?.year ? (
              <Typography.Text type="secondary">
                {t('scheme.since', { day: formatDay(fromDate, language) })}
              </Typography.Text>
            ) : null}
          </Flex>
          {privileges.length > 0 ? (
            <Flex gap={4} wrap>
              {privileges.map(({ code, title, titleZh }) => (
                <Tag key={code}>{language === 'zh' ? titleZh || title : title}</Tag>
              ))}
            </Flex>
          ) : null}
        </Flex>
      ))}
    </Flex>
  );
}
