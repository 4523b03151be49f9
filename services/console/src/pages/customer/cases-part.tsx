import { Flex } from 'antd';
import { Link } from 'react-router';
import { listCases } from '../../api/cases.js';
import { idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

/** What the customer asked for or complained about. */
export function CasesPart({ party }: { party: string }) {
  const { t } = useWords();
  const { data, error, isPending, refetch, dataUpdatedAt, page, back, forward } = usePages(
    ['cases', 'of', party],
    (token, signal) => listCases({ party, orderBy: 'receive_time desc' }, token, signal),
  );
  const cases = data?.cases ?? [];
  return (
    <Part
      title={t('customer.cases')}
      asOf={dataUpdatedAt ? new Date(dataUpdatedAt).toISOString() : undefined}
      loading={isPending}
      error={error}
      retry={() => void refetch()}
      empty={cases.length === 0 ? t('customer.noCases') : undefined}
    >
      <Flex vertical gap={8}>
        {cases.map((one) => (
          <Flex key={one.name} justify="space-between" gap={8}>
            <span>
              <Link to={`/cases/${idOf(one.name)}`}>{one.number || one.subject}</Link> {one.subject}
            </span>
            <Flex gap={8}>
              <When time={one.receiveTime} />
              <State value={one.state} />
            </Flex>
          </Flex>
        ))}
      </Flex>
      <Pager page={page} back={back} forward={forward} />
    </Part>
  );
}
