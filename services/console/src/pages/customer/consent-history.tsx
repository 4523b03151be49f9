import { Drawer, Table } from 'antd';
import { type Consent, listConsentHistory } from '../../api/customer.js';
import { Failed } from '../../shared/failed.js';
import { Pager, usePages } from '../../shared/pages.js';
import { StaffName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

/** The ledger: everything that the customer ever said, who recorded it and by which proof. */
export function ConsentHistory({ id, open, close }: { id: string; open: boolean; close: () => void }) {
  const { t, label, code } = useWords();
  const { data, error, isFetching, refetch, page, back, forward } = usePages(
    ['party', id, 'consents', 'history'],
    (token, signal) => listConsentHistory(id, token, signal),
    { enabled: open },
  );
  return (
    <Drawer open={open} title={t('consent.historyTitle')} size={900} onClose={close}>
      {error ? (
        <Failed error={error} retry={() => void refetch()} />
      ) : (
        <Table<Consent>
          size="small"
          rowKey="name"
          loading={isFetching}
          dataSource={data?.consents ?? []}
          pagination={false}
          scroll={{ x: 'max-content' }}
          locale={{ emptyText: t('consent.none') }}
          columns={[
            { title: t('consent.time'), render: (_, { effectiveTime }) => <When time={effectiveTime} /> },
            { title: t('consent.purpose'), render: (_, { purpose }) => code(purpose) },
            { title: t('consent.channel'), render: (_, { channel }) => label(channel) },
            { title: t('consent.state'), render: (_, { state }) => <State value={state} /> },
            { title: t('consent.until'), render: (_, { expireTime }) => <When time={expireTime} /> },
            { title: t('consent.textVersion'), dataIndex: 'textVersion' },
            { title: t('consent.proof'), dataIndex: 'proof' },
            { title: t('consent.recordedBy'), render: (_, { recordedBy }) => <StaffName name={recordedBy} /> },
          ]}
        />
      )}
      <Pager page={page} back={back} forward={forward} />
    </Drawer>
  );
}
