import { useQuery } from '@tanstack/react-query';
import { Button, Flex, Modal, Tooltip, Typography } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import { getMemberships } from '../../api/segmentation.js';
import { idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { SegmentPick } from '../../shared/segment-select.js';
import { When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { Explanation } from '../segment/explanation.js';
import { Groups } from './groups.js';
import { Part } from './part.js';

/** Which segments the customer is in, and why; and why not in others. */
export function MembershipsPart({ id }: { id: string }) {
  const { t } = useWords();
  const { may } = useSession();
  const [asked, setAsked] = useState<{ name: string; title: string } | undefined>();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['party', id, 'memberships'],
    queryFn: ({ signal }) => getMemberships(id, signal),
  });
  const explains = may('explainMembership');
  const memberships = data?.memberships ?? [];
  const within = memberships.map(({ segmentVersion }) => segmentVersion.replace(/@\d+$/, ''));
  return (
    <Part
      title={t('customer.memberships')}
      asOf={data?.asOf}
      loading={isPending}
      error={error}
      retry={() => void refetch()}
    >
      <Flex vertical gap={8}>
        {memberships.length === 0 ? (
          <Typography.Text type="secondary">{t('customer.noMemberships')}</Typography.Text>
        ) : null}
        {memberships.map(({ segmentVersion, title, description, enterTime }) => (
          <Flex key={segmentVersion} justify="space-between" align="center" gap={8}>
            <Tooltip title={description}>
              {may('viewSegments') ? (
                <Link to={`/segments/${idOf(segmentVersion).replace(/@\d+$/, '')}`}>{title}</Link>
              ) : (
                <span>{title}</span>
              )}
            </Tooltip>
            <Flex align="center" gap={8}>
              <Typography.Text type="secondary">
                <When time={enterTime} />
              </Typography.Text>
              {explains ? (
                <Button size="small" onClick={() => setAsked({ name: segmentVersion, title })}>
                  {t('campaign.why')}
                </Button>
              ) : null}
            </Flex>
          </Flex>
        ))}
        <Groups id={id} />
        {explains && may('viewSegments') ? (
          <SegmentPick label={t('why.notIn')} except={within} onPick={setAsked} />
        ) : null}
      </Flex>
      <Modal
        open={asked !== undefined}
        title={asked ? t('why.inSegment', { title: asked.title }) : ''}
        footer={null}
        width={640}
        onCancel={() => setAsked(undefined)}
      >
        {asked ? <Explanation party={`parties/${id}`} segment={asked.name} /> : null}
      </Modal>
    </Part>
  );
}
