import { Checkbox, Flex, Typography } from 'antd';
import { useState } from 'react';
import { listAssignments, listRelationships } from '../../api/household.js';
import { formatNumber, idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { Day, PartyName, StaffName, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

/** How the customer stands to other customers. */
export function RelationshipsPart({ id }: { id: string }) {
  const { t, label, language } = useWords();
  const [history, setHistory] = useState(false);
  const { data, error, isPending, refetch, dataUpdatedAt, page, back, forward } = usePages(
    ['party', id, 'relationships', history],
    (token, signal) => listRelationships(id, history, token, signal),
  );
  const relationships = data?.relationships ?? [];
  return (
    <Part
      title={t('relationship.title')}
      asOf={dataUpdatedAt ? new Date(dataUpdatedAt).toISOString() : undefined}
      action={
        <Checkbox checked={history} onChange={({ target }) => setHistory(target.checked)}>
          {t('relationship.ended')}
        </Checkbox>
      }
      loading={isPending}
      error={error}
      retry={() => void refetch()}
      empty={relationships.length === 0 ? t('relationship.none') : undefined}
    >
      <Flex vertical gap={8}>
        {relationships.map(({ name, fromParty, toParty, kind, share, startDate, endDate }) => (
          <Flex key={name} justify="space-between" gap={8} wrap>
            <span>
              {idOf(fromParty) === id ? null : <PartyName name={fromParty} />} {label(kind)}{' '}
              {idOf(toParty) === id ? null : <PartyName name={toParty} />}
              {share ? ` · ${formatNumber(share / 100, language)} %` : ''}
            </span>
            <Typography.Text type="secondary">
              <Day date={startDate} />
              {endDate ? (
                <>
                  {' – '}
                  <Day date={endDate} />
                </>
              ) : null}
            </Typography.Text>
          </Flex>
        ))}
      </Flex>
      <Pager page={page} back={back} forward={forward} />
    </Part>
  );
}

/** Who has looked after the customer, and where. */
export function AssignmentsPart({ id }: { id: string }) {
  const { t } = useWords();
  const { data, error, isPending, refetch, dataUpdatedAt, page, back, forward } = usePages(
    ['party', id, 'assignments'],
    (token, signal) => listAssignments(id, token, signal),
  );
  const assignments = data?.assignments ?? [];
  return (
    <Part
      title={t('assignment.title')}
      asOf={dataUpdatedAt ? new Date(dataUpdatedAt).toISOString() : undefined}
      loading={isPending}
      error={error}
      retry={() => void refetch()}
      empty={assignments.length === 0 ? t('assignment.none') : undefined}
    >
      <Flex vertical gap={8}>
        {assignments.map(({ relationshipManager, organisationPath, branch, startTime, endTime, reason }) => (
          <Flex key={`${startTime} ${relationshipManager}`} justify="space-between" gap={8} wrap>
            <span>
              <StaffName name={relationshipManager} /> · {branch || organisationPath}
              {reason ? <Typography.Text type="secondary"> · {reason}</Typography.Text> : null}
            </span>
            <Typography.Text type="secondary">
              <When time={startTime} /> – {endTime ? <When time={endTime} /> : t('assignment.now')}
            </Typography.Text>
          </Flex>
        ))}
      </Flex>
      <Pager page={page} back={back} forward={forward} />
    </Part>
  );
}
