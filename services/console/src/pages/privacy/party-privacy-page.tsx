import { useQuery } from '@tanstack/react-query';
import { Button, Card, Flex, Popconfirm, Skeleton } from 'antd';
import { useParams } from 'react-router';
import { getParty, liftRestriction } from '../../api/privacy.js';
import { Failed } from '../../shared/failed.js';
import { shortName } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, State } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { Holds } from './holds.js';
import { Looked } from './looked.js';
import { NewRequestButton } from './new-request.js';
import { RequestsTable } from './requests-table.js';

/** What protects one customer: who looked, what was asked, what is held. */
export function PartyPrivacyPage() {
  const { t } = useWords();
  const { may } = useSession();
  const { party: id = '' } = useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['party', id, 'plain'],
    queryFn: ({ signal }) => getParty(id, signal),
  });
  const lift = useWrite(() => liftRestriction(id), { done: t('holds.lifted'), reload: [['party', id]] });
  if (error && !data) {
    return (
      <>
        <PageHead title={t('looked.page')} />
        <Failed error={error} retry={() => void refetch()} />
      </>
    );
  }
  if (!data) return <Skeleton active paragraph={{ rows: 8 }} />;
  const { party } = data;
  return (
    <>
      <PageHead
        title={
          <>
            {party.displayName || shortName(party.name)} <State value={party.state} />
          </>
        }
        note={`${t('looked.page')} · ${party.organisationPath}`}
      >
        {may('decideRequests') && party.state === 'PARTY_STATE_RESTRICTED' ? (
          <Popconfirm
            title={t('holds.liftQuestion')}
            okText={t('common.yes')}
            cancelText={t('common.no')}
            onConfirm={() => lift.mutate()}
          >
            <Button disabled={lift.isPending}>{t('holds.lift')}</Button>
          </Popconfirm>
        ) : null}
        {may('takeRequests') ? <NewRequestButton party={party.name} /> : null}
      </PageHead>
      <Flex vertical gap={16}>
        {may('viewRequests') ? (
          <Card size="small" title={t('menu.requests')}>
            <RequestsTable open={false} party={party.name} />
          </Card>
        ) : null}
        {may('viewHolds') ? <Holds id={id} /> : null}
        {may('viewLooked') ? <Looked id={id} /> : null}
      </Flex>
    </>
  );
}
