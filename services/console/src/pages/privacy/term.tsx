import { Flex, Tag } from 'antd';
import type { DataSubjectRequest } from '../../api/privacy.js';
import { When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

const DAY_MS = 86_400_000;

export const isOpen = ({ state }: DataSubjectRequest): boolean => /_(RECEIVED|ACCEPTED)$/.test(state);

/** Until when a request must be answered, and how many days are left. */
export function Term({ of }: { of: DataSubjectRequest }) {
  const { t } = useWords();
  const days = of.dueTime ? Math.floor((new Date(of.dueTime).getTime() - Date.now()) / DAY_MS) : 0;
  return (
    <Flex gap={6} align="center" wrap>
      <When time={of.dueTime} />
      {isOpen(of) ? (
        of.overdue ? (
          <Tag color="red">{t('requests.overdue')}</Tag>
        ) : (
          <Tag color={days < 7 ? 'orange' : 'green'}>{t('requests.daysLeft', { days })}</Tag>
        )
      ) : null}
      {of.extensionReason === 'EXTENSION_REASON_UNSPECIFIED' ? null : <Tag>{t('requests.extended')}</Tag>}
    </Flex>
  );
}
