import { useQuery } from '@tanstack/react-query';
import { Alert, Card, Descriptions, Flex, Skeleton, Table } from 'antd';
import { Link, useParams } from 'react-router';
import { type DataSubjectRequest, getDataSubjectRequest } from '../../api/privacy.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, PartyName, StaffName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { ExportPart } from './export-part.js';
import { RequestActions } from './request-actions.js';
import { Term } from './term.js';

const erasure = 'DATA_SUBJECT_REQUEST_KIND_ERASURE';

/** What the services did for an erasure, and which have not answered yet. */
function Receipts({ of }: { of: DataSubjectRequest }) {
  const { t, language } = useWords();
  return (
    <Card size="small" title={t('requests.receipts')}>
      {of.missingReceipts.length > 0 ? (
        <Alert
          type="info"
          showIcon
          style={{ marginBottom: 12 }}
          title={t('requests.missing', { services: of.missingReceipts.map(idOf).join(', ') })}
        />
      ) : null}
      <Table<DataSubjectRequest['receipts'][number]>
        size="small"
        rowKey={({ service, party }) => `${service} ${party}`}
        dataSource={of.receipts}
        pagination={false}
        scroll={{ x: 'max-content' }}
        locale={{ emptyText: t('requests.noReceipts') }}
        columns={[
          { title: t('requests.service'), render: (_, { service }) => idOf(service) },
          { title: t('requests.record'), render: (_, { party }) => <code>{idOf(party)}</code> },
          {
            title: t('requests.removed'),
            render: (_, { counts }) =>
              Object.entries(counts)
                .map(([what, count]) => `${what} ${formatCount(count, language)}`)
                .join(' · ') || '–',
          },
          { title: t('requests.answered'), render: (_, { time }) => <When time={time} /> },
        ]}
      />
    </Card>
  );
}

/** One request: what is asked, until when, what was decided, and what was done for it. */
export function RequestPage() {
  const { t, label, code } = useWords();
  const { may } = useSession();
  const { request: id = '' } = useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['request', id],
    queryFn: ({ signal }) => getDataSubjectRequest(id, signal),
    // An erasure goes on by itself, service after service.
    refetchInterval: ({ state }) =>
      state.data?.dataSubjectRequest.state === 'DATA_SUBJECT_REQUEST_STATE_ACCEPTED' ? 2000 : false,
  });
  if (error && !data) {
    return (
      <>
        <PageHead title={t('menu.requests')} />
        <Failed error={error} retry={() => void refetch()} />
      </>
    );
  }
  if (!data) return <Skeleton active paragraph={{ rows: 8 }} />;
  const one = data.dataSubjectRequest;
  const stated = (value: string): string => (value.endsWith('_UNSPECIFIED') ? '–' : label(value));
  return (
    <>
      <PageHead
        title={
          <>
            {label(one.kind)} <State value={one.state} />
          </>
        }
        note={one.organisationPath}
      >
        <RequestActions id={id} of={one} />
      </PageHead>
      <Flex vertical gap={16}>
        <Card size="small">
          <Descriptions
            size="small"
            column={{ xs: 1, md: 2, xl: 3 }}
            items={[
              { key: 'party', label: t('case.party'), children: <PartyName name={one.party} /> },
              { key: 'due', label: t('requests.due'), children: <Term of={one} /> },
              { key: 'received', label: t('requests.received'), children: <When time={one.receiveTime} /> },
              { key: 'identity', label: t('requests.identityCheck'), children: stated(one.identityCheck) },
              { key: 'purpose', label: t('consent.purpose'), children: code(one.purpose) || '–' },
              { key: 'taken', label: t('requests.takenBy'), children: <StaffName name={one.createdBy} /> },
              { key: 'decided', label: t('requests.decidedBy'), children: <StaffName name={one.decidedBy} /> },
              { key: 'decideTime', label: t('requests.decided'), children: <When time={one.decideTime} /> },
              { key: 'closed', label: t('case.closed'), children: <When time={one.closeTime} /> },
              { key: 'refusal', label: t('requests.refusal'), children: stated(one.refusalReason) },
              { key: 'extension', label: t('requests.extension'), children: stated(one.extensionReason) },
              ...(one.retainUntil
                ? [{ key: 'retain', label: t('requests.retain'), children: <When time={one.retainUntil} /> }]
                : []),
              ...(one.case
                ? [
                    {
                      key: 'case',
                      label: t('requests.case'),
                      children: <Link to={`/cases/${idOf(one.case)}`}>{idOf(one.case).slice(-8)}</Link>,
                    },
                  ]
                : []),
            ]}
          />
          {may('viewHolds') ? <Link to={`/parties/${idOf(one.party)}/privacy`}>{t('requests.toParty')}</Link> : null}
        </Card>
        {may('decideRequests') &&
        /_(ACCESS|PORTABILITY)$/.test(one.kind) &&
        /_(ACCEPTED|COMPLETED)$/.test(one.state) ? (
          <ExportPart id={id} />
        ) : null}
        {one.kind === erasure && !/_(RECEIVED|REFUSED)$/.test(one.state) ? <Receipts of={one} /> : null}
      </Flex>
    </>
  );
}
