import { Flex, Tag } from 'antd';
import type { Case } from '../../api/cases.js';
import { When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

/** Until when a case must be resolved, and whether that was missed. */
export function DueTime({ of }: { of: Case }) {
  const { t } = useWords();
  const finished = /RESOLVED|CLOSED/.test(of.state);
  const late = !finished && !of.paused && of.dueTime !== undefined && new Date(of.dueTime).getTime() < Date.now();
  return (
    <Flex gap={6} align="flex-start" wrap style={{ maxWidth: 220 }}>
      <When time={of.dueTime} />
      {of.paused ? <Tag>{t('case.pausedTag')}</Tag> : null}
      {late || of.breached ? <Tag color="red">{t('case.overdue')}</Tag> : null}
    </Flex>
  );
}
