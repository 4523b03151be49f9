import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Col, Row, Skeleton, Space, Tag } from 'antd';
import { useParams } from 'react-router';
import { Problem } from '../../api/client.js';
import { type Party } from '../../api/customer.js';
import { type CustomerView, getCustomerView } from '../../api/view.js';
import { getParty } from '../../api/privacy.js';
import { Failed } from '../../shared/failed.js';
import { idOf, shortName } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, State } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { OpenCaseButton } from '../case/open-case.js';
import { BehaviourPart } from './behaviour-part.js';
import { CasesPart } from './cases-part.js';
import { ConsentsPart } from './consents-part.js';
import { DeliveriesPart } from './deliveries-part.js';
import { FactsPart } from './facts-part.js';
import { GoalsPart } from './goals-part.js';
import { HoldingsPart } from './holdings-part.js';
import { HouseholdPart } from './household-part.js';
import { LifePart } from './life-part.js';
import { LivelihoodButton } from './livelihood-button.js';
import { MembershipsPart } from './memberships-part.js';
import { NoteButton } from './note-button.js';
import { PreferencesPart } from './preferences-part.js';
import { QualityBadge } from './quality-badge.js';
import { MergesPart, RecordsPart } from './records-part.js';
import { AssignmentsPart, RelationshipsPart } from './relationships-part.js';
import { RequestsPart } from './requests-part.js';
import { seedParts, spendingUntil } from './seed-parts.js';
import { SpendingPart } from './spending-part.js';
import { TagsPart } from './tags-part.js';
import { TimelinePart } from './timeline-part.js';

/** The view, or the masked party alone where the caller may see no more, such as a colleague's customer. */
async function load(queries: QueryClient, id: string, whole: boolean, signal: AbortSignal): Promise<CustomerView> {
  const masked = async (): Promise<CustomerView> => {
    const { party } = await getParty(id, signal);
    return { party: { party, asOf: new Date().toISOString() } };
  };
  if (!whole) return masked();
  try {
    const { view } = await getCustomerView(id, signal);
    seedParts(queries, view);
    return view;
  } catch (error) {
    if (error instanceof Problem && (error.status === 404 || error.status === 403)) return masked();
    throw error;
  }
}

/** Everything about one customer, each part with the moment it is true of. */
export function CustomerPage() {
  const { t } = useWords();
  const { may } = useSession();
  const { party: id = '' } = useParams();
  const queries = useQueryClient();
  const {
    data: view,
    error,
    refetch,
  } = useQuery({
    queryKey: ['party', id],
    queryFn: ({ signal }) => load(queries, id, may('viewWholeCustomer'), signal),
  });
  if (error && !view) {
    return (
      <>
        <PageHead title={t('customer.title')} />
        <Failed error={error} retry={() => void refetch()} />
      </>
    );
  }
  const party = view?.party?.party;
  if (!view || !party) return <Skeleton active paragraph={{ rows: 12 }} />;
  // Without the other parts it is the masked party that was answered.
  const whole = view.holdings !== undefined;
  return (
    <>
      <PageHead
        title={
          <>
            {party.displayName || `${t('customer.title')} ${shortName(party.name)}`}
            <State value={party.state} />
            {party.synthetic ? <Tag>{t('party.synthetic')}</Tag> : null}
            {may('viewQuality') ? <QualityBadge id={idOf(party.name)} /> : null}
          </>
        }
        note={[party.organisationPath, party.sourceKey].filter(Boolean).join(' · ')}
      >
        {whole && may('changeConsent') ? <NoteButton party={party} /> : null}
        {whole && may('workCases') ? <OpenCaseButton party={party} /> : null}
      </PageHead>
      {party.state === 'PARTY_STATE_RESTRICTED' ? (
        <Alert type="warning" showIcon title={t('customer.restricted')} style={{ marginBottom: 16 }} />
      ) : null}
      {whole ? <Whole view={view} party={party} /> : <Little party={party} asOf={view.party?.asOf} />}
    </>
  );
}

/** What a caller sees who may not see the customer: that there is one, and each masked field for a reason. */
function Little({ party, asOf }: { party: Party; asOf: string | undefined }) {
  const { t } = useWords();
  const { may } = useSession();
  return (
    <Space orientation="vertical" size={16} style={{ width: '100%' }}>
      <Alert type="info" showIcon title={t('customer.little')} />
      <FactsPart party={party} asOf={asOf} />
      {may('viewRequests') ? <RequestsPart party={party.name} /> : null}
    </Space>
  );
}

/** The currency that an income is in when nobody says another: that of the balances. */
function currencyOf({ balances }: CustomerView): string {
  return balances?.balances[0]?.balance?.currencyCode ?? '';
}

function Whole({ view, party }: { view: CustomerView; party: Party }) {
  const { may } = useSession();
  const id = idOf(party.name);
  return (
    <Row gutter={[16, 16]}>
      <Col xs={24} xl={15}>
        <Space orientation="vertical" size={16} style={{ width: '100%' }}>
          <FactsPart
            party={party}
            asOf={view.party?.asOf}
            action={may('changeFacts') ? <LivelihoodButton party={party} currency={currencyOf(view)} /> : null}
          />
          <HoldingsPart view={view} />
          {may('viewSpending') ? <SpendingPart key={id} id={id} until={spendingUntil(view)} /> : null}
          <TimelinePart key={`timeline ${id}`} id={id} />
          {may('viewProvenance') ? <RecordsPart party={party} /> : null}
          {may('viewProvenance') ? <MergesPart party={party} /> : null}
        </Space>
      </Col>
      <Col xs={24} xl={9}>
        <Space orientation="vertical" size={16} style={{ width: '100%' }}>
          <TagsPart id={id} tags={view.portrait?.tags ?? []} asOf={view.portrait?.asOf} />
          <BehaviourPart changes={view.behaviourChanges?.behaviourChanges ?? []} asOf={view.behaviourChanges?.asOf} />
          <LifePart id={id} events={view.lifeEvents?.lifeEvents ?? []} asOf={view.lifeEvents?.asOf} />
          <GoalsPart id={id} view={view} />
          <ConsentsPart id={id} consents={view.consents?.consents ?? []} asOf={view.consents?.asOf} />
          {may('viewBelonging') ? (
            <>
              <PreferencesPart party={party} />
              <HouseholdPart party={party} />
              <RelationshipsPart id={id} />
              <AssignmentsPart id={id} />
            </>
          ) : null}
          {may('viewCases') ? <CasesPart party={party.name} /> : null}
          {may('viewMemberships') ? <MembershipsPart id={id} /> : null}
          {may('viewDeliveries') ? <DeliveriesPart party={party.name} /> : null}
          {may('viewRequests') ? <RequestsPart party={party.name} /> : null}
        </Space>
      </Col>
    </Row>
  );
}
