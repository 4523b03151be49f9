import { Empty, Table } from 'antd';
import { Link } from 'react-router';
import { type DataSubjectRequest, listDataSubjectRequests } from '../../api/privacy.js';
import { Failed } from '../../shared/failed.js';
import { idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { PartyName, StaffName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { Term } from './term.js';

/** Requests with their clock; of one party, or of all that may be seen where it is empty. */
export function RequestsTable({ open, party }: { open: boolean; party: string }) {
  const { t, label } = useWords();
  const { data, error, isPending, refetch, page, back, forward } = usePages(
    ['requests', open, party],
    (token, signal) => listDataSubjectRequests({ open, party }, token, signal),
  );
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  return (
    <>
      <Table<DataSubjectRequest>
        size="middle"
        rowKey="name"
        loading={isPending}
        dataSource={data?.dataSubjectRequests ?? []}
        pagination={false}
        scroll={{ x: 'max-content' }}
        locale={{
          emptyText: isPending ? ' ' : <Empty description={t(open ? 'requests.noneOpen' : 'requests.none')} />,
        }}
        columns={[
          {
            title: t('requests.kind'),
            render: (_, { name, kind }) => <Link to={`/requests/${idOf(name)}`}>{label(kind)}</Link>,
          },
          ...(party
            ? []
            : [
                {
                  title: t('case.party'),
                  key: 'party',
                  render: (_: unknown, one: DataSubjectRequest) => <PartyName name={one.party} />,
                },
              ]),
          { title: t('requests.state'), render: (_, { state }) => <State value={state} /> },
          { title: t('requests.received'), render: (_, { receiveTime }) => <When time={receiveTime} /> },
          { title: t('requests.due'), render: (_, one) => <Term of={one} /> },
          { title: t('requests.decidedBy'), render: (_, { decidedBy }) => <StaffName name={decidedBy} /> },
        ]}
      />
      <Pager page={page} back={back} forward={forward} />
    </>
  );
}
