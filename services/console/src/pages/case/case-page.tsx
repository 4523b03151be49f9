import { useQuery } from '@tanstack/react-query';
import { Card, Col, Descriptions, Flex, Row, Skeleton, Steps, Tag, Typography } from 'antd';
import { useParams } from 'react-router';
import { type Case, complaintSteps, getCase, listCaseTypes } from '../../api/cases.js';
import { Failed } from '../../shared/failed.js';
import { idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, PartyName, StaffName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { CaseActions } from './case-actions.js';
import { CaseHistory } from './case-history.js';
import { DueTime } from './due-time.js';

/** The five steps of a complaint; who did each of them, and when. */
function ComplaintProgress({ of }: { of: Case }) {
  const { label } = useWords();
  const records = new Map(of.complaintSteps.map((record) => [record.step, record]));
  const reached = complaintSteps.findIndex((step) => step === of.complaintStep);
  return (
    <Card size="small">
      <Steps
        size="small"
        current={reached + 1}
        items={complaintSteps.map((step) => {
          const record = records.get(step);
          return {
            title: label(step),
            content: record ? (
              <Flex vertical>
                <When time={record.occurTime} />
                <StaffName name={record.actor} />
              </Flex>
            ) : null,
          };
        })}
      />
    </Card>
  );
}

/** One case: what it is about, what is to be done next, and everything that happened. */
export function CasePage() {
  const { t, label, language } = useWords();
  const { may } = useSession();
  const { case: id = '' } = useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['case', id],
    queryFn: ({ signal }) => getCase(id, signal),
  });
  const types = useQuery({
    queryKey: ['case-types'],
    queryFn: ({ signal }) => listCaseTypes(signal),
    staleTime: 300_000,
  });
  if (error && !data) {
    return (
      <>
        <PageHead title={t('menu.cases')} />
        <Failed error={error} retry={() => void refetch()} />
      </>
    );
  }
  if (!data) return <Skeleton active paragraph={{ rows: 10 }} />;
  const one = data.case;
  const type = types.data?.caseTypes.find(({ name }) => name === one.type);
  const typeTitle = type ? (language === 'zh' && type.titleZh ? type.titleZh : type.titleEn) : idOf(one.type);
  return (
    <>
      <PageHead
        title={
          <>
            {one.number} {one.subject} <State value={one.state} />
            {one.isComplaint ? <Tag color="red">{t('case.complaint')}</Tag> : null}
          </>
        }
        note={typeTitle}
      >
        {may('workCases') || may('answerSurvey') ? <CaseActions id={id} of={one} /> : null}
      </PageHead>
      <Flex vertical gap={16}>
        {one.isComplaint ? <ComplaintProgress of={one} /> : null}
        <Row gutter={[16, 16]}>
          <Col xs={24} xl={10}>
            <Card size="small" title={t('case.facts')}>
              <Descriptions
                size="small"
                column={1}
                items={[
                  { key: 'party', label: t('case.party'), children: <PartyName name={one.party} /> },
                  { key: 'assignee', label: t('case.assignee'), children: <StaffName name={one.assignee} /> },
                  { key: 'priority', label: t('case.priority'), children: <State value={one.priority} /> },
                  { key: 'channel', label: t('consent.channel'), children: label(one.channel) },
                  { key: 'received', label: t('case.received'), children: <When time={one.receiveTime} /> },
                  { key: 'response', label: t('case.responseDue'), children: <When time={one.responseDueTime} /> },
                  { key: 'due', label: t('case.due'), children: <DueTime of={one} /> },
                  { key: 'resolved', label: t('case.resolved'), children: <When time={one.resolveTime} /> },
                  { key: 'closed', label: t('case.closed'), children: <When time={one.closeTime} /> },
                  { key: 'path', label: t('party.organisationPath'), children: one.organisationPath },
                ]}
              />
              {one.description ? (
                <Typography.Paragraph className="plain-text" style={{ marginTop: 12 }}>
                  {one.description}
                </Typography.Paragraph>
              ) : null}
              {one.resolution ? (
                <div style={{ marginTop: 16 }}>
                  <Typography.Text strong>{t('case.resolution')}</Typography.Text>
                  <Typography.Paragraph className="plain-text">{one.resolution}</Typography.Paragraph>
                </div>
              ) : null}
              {one.survey && one.survey.state !== 'SURVEY_STATE_UNSPECIFIED' ? (
                <div data-testid="survey">
                  <Typography.Text strong>{t('case.survey')}</Typography.Text>
                  <div>
                    {label(one.survey.state)}
                    {one.survey.state === 'SURVEY_STATE_ANSWERED' ? ` · ${one.survey.score} ${one.survey.comment}` : ''}
                  </div>
                </div>
              ) : null}
            </Card>
          </Col>
          <Col xs={24} xl={14}>
            {may('viewCaseHistory') ? <CaseHistory id={id} /> : null}
          </Col>
        </Row>
      </Flex>
    </>
  );
}
