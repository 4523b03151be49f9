import { useQuery } from '@tanstack/react-query';
import { Button, Card, Col, Descriptions, Flex, Popconfirm, Row, Skeleton, Typography } from 'antd';
import { useState } from 'react';
import { useParams } from 'react-router';
import {
  approveSegmentVersion,
  createSegmentVersion,
  evaluateSegment,
  getSegment,
  publishSegment,
  type SegmentVersion,
} from '../../api/segmentation.js';
import { Failed } from '../../shared/failed.js';
import { dayFromIso, formatCount, isoDay } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { Day, PageHead, StaffName, State, When } from '../../shared/show.js';
import { useRuleWords } from '../../shared/use-catalogue.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { AsOfPicker } from './as-of-picker.js';
import { Insight } from './insight.js';
import { Members } from './members.js';
import { Preview } from './preview.js';
import { RuleEditor } from './rule-editor.js';

interface WorkProps {
  id: string;
  version: SegmentVersion;
  organisationPath: string;
}

/** The rule to change: saving makes the next version, the present one stays as it is. */
function RuleWork({ id, version, organisationPath }: WorkProps) {
  const { t } = useWords();
  const { may } = useSession();
  const saved = { rule: version.rule, asOf: version.asOf ? isoDay(version.asOf) : '' };
  const [rule, setRule] = useState(saved.rule);
  const [asOf, setAsOf] = useState(saved.asOf);
  const changed = rule !== saved.rule || asOf !== saved.asOf;
  const { mutate, isPending } = useWrite(() => createSegmentVersion(id, rule, dayFromIso(asOf)), {
    done: t('segment.versionSaved'),
    reload: [['segment', id], ['segments']],
  });
  return (
    <Row gutter={[16, 16]}>
      <Col xs={24} xl={16}>
        <Flex vertical gap={12}>
          <AsOfPicker value={asOf} onChange={setAsOf} />
          <RuleEditor rule={rule} onChange={setRule} />
          {may('describeRule') ? (
            <Insight rule={rule} asOf={asOf} organisationPath={organisationPath} segment={`segments/${id}`} />
          ) : null}
          {may('editSegments') ? (
            <Flex gap={8} justify="flex-end">
              <Button
                disabled={!changed}
                onClick={() => {
                  setRule(saved.rule);
                  setAsOf(saved.asOf);
                }}
              >
                {t('segment.revert')}
              </Button>
              <Button
                type="primary"
                disabled={!changed || rule.trim() === ''}
                loading={isPending}
                onClick={() => mutate()}
              >
                {t('segment.saveVersion')}
              </Button>
            </Flex>
          ) : null}
        </Flex>
      </Col>
      <Col xs={24} xl={8}>
        {may('previewSegment') ? <Preview rule={rule} asOf={asOf} organisationPath={organisationPath} /> : null}
      </Col>
    </Row>
  );
}

/** One segment: what it means, its rule with a live count, and who is in it. */
export function SegmentPage() {
  const { t, language } = useWords();
  const { may, subject } = useSession();
  const say = useRuleWords();
  const { segment: id = '' } = useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['segment', id],
    queryFn: ({ signal }) => getSegment(id, signal),
  });
  const reload = [['segment', id], ['segments'], ['members']];
  const approve = useWrite(approveSegmentVersion, { done: t('segment.approved'), reload });
  const publish = useWrite(publishSegment, { done: t('segment.published'), reload });
  const evaluate = useWrite(evaluateSegment, { done: t('segment.evaluated'), reload });
  if (error && !data) {
    return (
      <>
        <PageHead title={t('menu.segments')} />
        <Failed error={error} retry={() => void refetch()} />
      </>
    );
  }
  if (!data) return <Skeleton active paragraph={{ rows: 10 }} />;
  const { segment } = data;
  const version = segment.latestVersion ?? data.version;
  const publishedNow = version.state === 'SEGMENT_STATE_PUBLISHED';
  return (
    <>
      <PageHead
        title={
          <>
            {segment.title} <State value={version.state} />
          </>
        }
        note={`${version.name} · ${segment.organisationPath}`}
      >
        {may('editSegments') && publishedNow ? (
          <Button loading={evaluate.isPending} onClick={() => evaluate.mutate(version.name)}>
            {t('segment.evaluate')}
          </Button>
        ) : null}
        {may('approveSegments') && version.state === 'SEGMENT_STATE_DRAFT' && version.createdBy !== subject ? (
          <Popconfirm
            title={t('segment.approveQuestion')}
            okText={t('common.yes')}
            cancelText={t('common.no')}
            onConfirm={() => approve.mutate(version.name)}
          >
            <Button type="primary" loading={approve.isPending}>
              {t('segment.approve')}
            </Button>
          </Popconfirm>
        ) : null}
        {may('editSegments') && version.state === 'SEGMENT_STATE_APPROVED' ? (
          <Popconfirm
            title={t('segment.publishQuestion')}
            okText={t('common.yes')}
            cancelText={t('common.no')}
            onConfirm={() => publish.mutate(version.name)}
          >
            <Button type="primary" loading={publish.isPending}>
              {t('segment.publish')}
            </Button>
          </Popconfirm>
        ) : null}
      </PageHead>
      <Flex vertical gap={16}>
        <Card size="small">
          <Typography.Paragraph>{say(version.rule, version.description)}</Typography.Paragraph>
          <Descriptions
            size="small"
            column={{ xs: 1, md: 3 }}
            items={[
              {
                key: 'members',
                label: t('segment.members'),
                children: version.evaluateTime ? formatCount(version.members, language) : t('segment.notEvaluated'),
              },
              { key: 'evaluated', label: t('segment.evaluateTime'), children: <When time={version.evaluateTime} /> },
              {
                key: 'asOf',
                label: t('segment.asOf'),
                children: version.asOf ? <Day date={version.asOf} /> : t('segment.today'),
              },
              { key: 'version', label: t('segment.version'), children: version.version },
              { key: 'publish', label: t('segment.publishTime'), children: <When time={version.publishTime} /> },
              { key: 'approver', label: t('segment.approver'), children: <StaffName name={version.approvedBy} /> },
              { key: 'author', label: t('segment.author'), children: <StaffName name={version.createdBy} /> },
            ]}
          />
        </Card>
        <RuleWork key={version.name} id={id} version={version} organisationPath={segment.organisationPath} />
        {may('editSegments') || may('previewSegment') ? <Members version={version.name} /> : null}
      </Flex>
    </>
  );
}
