import { Card, Checkbox, Flex } from 'antd';
import { useSearchParams } from 'react-router';
import { useSession } from '../../shared/session-context.js';
import { PageHead, PartyName } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { NewRequestButton } from './new-request.js';
import { RequestsTable } from './requests-table.js';

/** What people ask for about their own data, those due first at the top. The filter stands in the address. */
export function RequestsPage() {
  const { t } = useWords();
  const { may } = useSession();
  const [parameters, setParameters] = useSearchParams();
  const open = parameters.get('all') === null;
  const party = parameters.get('party') ?? '';
  const set = (all: boolean): void => {
    const next = new URLSearchParams(parameters);
    if (all) next.set('all', '1');
    else next.delete('all');
    setParameters(next, { replace: true });
  };
  return (
    <>
      <PageHead title={t('menu.requests')} note={t('requests.note')}>
        {may('takeRequests') ? <NewRequestButton party={party} /> : null}
      </PageHead>
      <Card size="small">
        <Flex gap={16} wrap style={{ marginBottom: 12 }}>
          <Checkbox checked={open} onChange={(event) => set(!event.target.checked)}>
            {t('requests.openOnly')}
          </Checkbox>
          {party ? <PartyName name={party} /> : null}
        </Flex>
        <RequestsTable open={open} party={party} />
      </Card>
    </>
  );
}
