import { Flex, Typography } from 'antd';
import { Link } from 'react-router';
import { listDataSubjectRequests } from '../../api/privacy.js';
import { idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { NewRequestButton } from '../privacy/new-request.js';
import { Part } from './part.js';

/** How the customer made use of the rights over the own data, and until when the bank must answer. */
export function RequestsPart({ party }: { party: string }) {
  const { t, label, code } = useWords();
  const { may } = useSession();
  const { data, error, isPending, refetch, dataUpdatedAt, page, back, forward } = usePages(
    ['requests', 'of', party],
    (token, signal) => listDataSubjectRequests({ open: false, party }, token, signal),
  );
  const requests = data?.dataSubjectRequests ?? [];
  return (
    <Part
      title={t('subject.title')}
      asOf={dataUpdatedAt ? new Date(dataUpdatedAt).toISOString() : undefined}
      action={may('takeRequests') ? <NewRequestButton party={party} /> : null}
      loading={isPending}
      error={error}
      retry={() => void refetch()}
    >
      {requests.length === 0 ? <Typography.Text type="secondary">{t('subject.none')}</Typography.Text> : null}
      <Flex vertical gap={8}>
        {requests.map(({ name, kind, state, dueTime, closeTime, purpose }) => (
          <Flex key={name} justify="space-between" gap={8} wrap data-testid="subject-request">
            <span>
              <Link to={`/requests/${idOf(name)}`}>{label(kind)}</Link>
              {purpose ? ` · ${code(purpose)}` : ''}
            </span>
            <Flex gap={8} align="center">
              <Typography.Text type="secondary">
                {closeTime ? null : `${t('subject.due')} `}
                <When time={closeTime ?? dueTime} />
              </Typography.Text>
              <State value={state} />
            </Flex>
          </Flex>
        ))}
      </Flex>
      <Pager page={page} back={back} forward={forward} />
      {may('viewHolds') || may('viewLooked') ? (
        <div>
          <Link to={`/parties/${idOf(party)}/privacy`}>{t('subject.privacy')}</Link>
        </div>
      ) : null}
    </Part>
  );
}
