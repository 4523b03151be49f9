import { useQuery } from '@tanstack/react-query';
import { Col, Row, Skeleton, Space, Tag } from 'antd';
import { useState } from 'react';
import { useParams } from 'react-router';
import { getCustomerView } from '../../api/customer.js';
import { Failed } from '../../shared/failed.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, State } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { OpenCaseButton } from '../case/open-case.js';
import { CasesPart } from './cases-part.js';
import { ConsentsPart } from './consents-part.js';
import { DeliveriesPart } from './deliveries-part.js';
import { FactsPart } from './facts-part.js';
import { HoldingsPart } from './holdings-part.js';
import { MembershipsPart } from './memberships-part.js';
import { NoteButton } from './note-button.js';
import { TimelinePart } from './timeline-part.js';

/** Everything about one customer, each part with the moment it is true of. */
export function CustomerPage() {
  const { t } = useWords();
  const { may } = useSession();
  const { party: id = '' } = useParams();
  const [timelineKind, setTimelineKind] = useState('');
  const { data, error, refetch } = useQuery({
    queryKey: ['party', id],
    queryFn: ({ signal }) => getCustomerView(id, signal),
  });
  if (error && !data) {
    return (
      <>
        <PageHead title={t('customer.title')} />
        <Failed error={error} retry={() => void refetch()} />
      </>
    );
  }
  const view = data?.view;
  const party = view?.party?.party;
  if (!view || !party) return <Skeleton active paragraph={{ rows: 12 }} />;
  return (
    <>
      <PageHead
        title={
          <>
            {party.displayName}
            <State value={party.state} />
            {party.synthetic ? <Tag>{t('party.synthetic')}</Tag> : null}
          </>
        }
        note={`${party.organisationPath} · ${party.sourceKey}`}
      >
        {may('changeConsent') ? <NoteButton party={party} /> : null}
        {may('workCases') ? <OpenCaseButton party={party} /> : null}
      </PageHead>
      <Row gutter={[16, 16]}>
        <Col xs={24} xl={15}>
          <Space orientation="vertical" size={16} style={{ width: '100%' }}>
            <FactsPart party={party} asOf={view.party?.asOf} />
            <HoldingsPart view={view} />
            <TimelinePart id={id} kind={timelineKind} onKind={setTimelineKind} />
          </Space>
        </Col>
        <Col xs={24} xl={9}>
          <Space orientation="vertical" size={16} style={{ width: '100%' }}>
            <ConsentsPart id={id} consents={view.consents?.consents ?? []} asOf={view.consents?.asOf} />
            {may('viewCases') ? <CasesPart party={party.name} /> : null}
            {may('viewMemberships') ? <MembershipsPart id={id} /> : null}
            {may('viewDeliveries') ? <DeliveriesPart party={party.name} /> : null}
          </Space>
        </Col>
      </Row>
    </>
  );
}
