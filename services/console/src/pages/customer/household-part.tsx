import { useQuery } from '@tanstack/react-query';
import { Button, Flex, Popconfirm, Tag, Typography } from 'antd';
import { useState } from 'react';
import {
  addHouseholdMember,
  createHousehold,
  type Household,
  listHouseholds,
  removeHouseholdMember,
  suggestHouseholdMembers,
} from '../../api/household.js';
import type { Party } from '../../api/customer.js';
import { Failed } from '../../shared/failed.js';
import { idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { Amount, PartyName } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

/** Who the bank looks at together with the customer, and what they own together. */
export function HouseholdPart({ party }: { party: Party }) {
  const { t } = useWords();
  const { may } = useSession();
  const id = idOf(party.name);
  const { data, error, isPending, refetch, dataUpdatedAt } = useQuery({
    queryKey: ['party', id, 'households'],
    queryFn: ({ signal }) => listHouseholds(id, signal),
  });
  const households = data?.households ?? [];
  const family = households.find(({ kind }) => kind === 'HOUSEHOLD_KIND_FAMILY');
  return (
    <Part
      title={t('household.title')}
      asOf={dataUpdatedAt ? new Date(dataUpdatedAt).toISOString() : undefined}
      loading={isPending}
      error={error}
      retry={() => void refetch()}
    >
      <Flex vertical gap={16}>
        {households.length === 0 ? (
          <Typography.Text type="secondary">{t('household.none')}</Typography.Text>
        ) : (
          households.map((household) => <Members key={household.name} id={id} household={household} />)
        )}
        {party.kind === 'PARTY_KIND_PERSON' && data && may('changeBelonging') ? (
          <Suggestions party={party.name} family={family} />
        ) : null}
      </Flex>
    </Part>
  );
}

function Members({ id, household }: { id: string; household: Household }) {
  const { t, label } = useWords();
  const { may } = useSession();
  const { mutate } = useWrite((member: string) => removeHouseholdMember(household.name, member), {
    done: t('household.removed'),
    reload: [['party', id, 'households']],
  });
  return (
    <Flex vertical gap={6} data-testid="household">
      <Typography.Text strong>{label(household.kind)}</Typography.Text>
      {household.members.map(({ party, role }) => (
        <Flex key={party} justify="space-between" gap={8}>
          <span>
            <PartyName name={party} /> <Tag>{label(role)}</Tag>
          </span>
          {may('changeBelonging') && role !== 'HOUSEHOLD_ROLE_HEAD' ? (
            <Popconfirm
              title={t('household.removeQuestion')}
              okText={t('common.yes')}
              cancelText={t('common.no')}
              onConfirm={() => mutate(party)}
            >
              <Button size="small">{t('household.remove')}</Button>
            </Popconfirm>
          ) : null}
        </Flex>
      ))}
      {household.partial ? <Typography.Text type="secondary">{t('household.partial')}</Typography.Text> : null}
      {household.balances.map(({ kind, balance, holdings }) => (
        <Flex key={`${kind} ${balance?.currencyCode}`} justify="space-between" gap={8}>
          <span>
            {t('household.together')}: {label(kind)} × {holdings}
          </span>
          <Amount money={balance} />
        </Flex>
      ))}
    </Flex>
  );
}

/** Who may belong to the household, with what speaks for it; looked for on request, for it reads other customers. */
function Suggestions({ party, family }: { party: string; family: Household | undefined }) {
  const { t, label } = useWords();
  const id = idOf(party);
  const [asked, setAsked] = useState(false);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['party', id, 'households', 'suggestions'],
    queryFn: ({ signal }) => suggestHouseholdMembers(id, signal),
    enabled: asked,
  });
  const { mutate, isPending } = useWrite(
    (member: string) =>
      family
        ? addHouseholdMember(family.name, { party: member, role: 'HOUSEHOLD_ROLE_MEMBER' })
        : createHousehold('HOUSEHOLD_KIND_FAMILY', [
            { party, role: 'HOUSEHOLD_ROLE_HEAD' },
            { party: member, role: 'HOUSEHOLD_ROLE_MEMBER' },
          ]),
    { done: t('household.added'), reload: [['party', id, 'households']] },
  );
  const suggestions = data?.suggestions ?? [];
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (!data) {
    return (
      <Button size="small" loading={isFetching} onClick={() => setAsked(true)} style={{ alignSelf: 'flex-start' }}>
        {t('household.suggest')}
      </Button>
    );
  }
  if (suggestions.length === 0)
    return <Typography.Text type="secondary">{t('household.noSuggestions')}</Typography.Text>;
  return (
    <Flex vertical gap={6}>
      <Typography.Text type="secondary">{t('household.suggestions')}</Typography.Text>
      {suggestions.slice(0, 5).map(({ party: other, displayName, evidence }) => (
        <Flex key={other} justify="space-between" gap={8} align="center">
          <span>
            {displayName || <PartyName name={other} />}{' '}
            <Typography.Text type="secondary">{evidence.map(label).join(', ')}</Typography.Text>
          </span>
          <Button size="small" loading={isPending} onClick={() => mutate(other)}>
            {t('household.add')}
          </Button>
        </Flex>
      ))}
    </Flex>
  );
}
