import { Alert, Card, Col, Empty, Flex, Row, Skeleton, Statistic, Table, Tag, Typography } from 'antd';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { compareSegmentVersions, listSegmentVersions, type RuleChange } from '../../api/segment-life.js';
import type { SegmentVersion } from '../../api/segmentation.js';
import { Failed } from '../../shared/failed.js';
import { formatCount } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { PartyName, StaffName, State, When } from '../../shared/show.js';
import { useRuleWords } from '../../shared/use-catalogue.js';
import { useWords } from '../../shared/words.js';

const colours: Record<string, string> = {
  RULE_CHANGE_KIND_ADDED: 'green',
  RULE_CHANGE_KIND_REMOVED: 'red',
  RULE_CHANGE_KIND_CHANGED: 'gold',
};

/** One part of two rules: what stood there, and what stands there now. */
function Change({ change }: { change: RuleChange }) {
  const { label } = useWords();
  const words = useRuleWords();
  const { kind, within } = change;
  const before = words(change.beforeRule, change.before);
  const after = words(change.afterRule, change.after);
  return (
    <Flex gap={8} align="baseline" style={{ paddingInlineStart: 16 * within.length }}>
      <Tag color={colours[kind]}>{label(kind)}</Tag>
      <span>
        {before && before !== after ? (
          <Typography.Text delete type="secondary">
            {before}
          </Typography.Text>
        ) : null}{' '}
        {after}
      </span>
    </Flex>
  );
}

function Sample({ title, parties }: { title: string; parties: readonly string[] }) {
  if (parties.length === 0) return null;
  return (
    <div>
      <Typography.Text strong>{title}</Typography.Text>
      <ul style={{ margin: '4px 0 0', paddingInlineStart: 18 }}>
        {parties.map((party) => (
          <li key={party}>
            <PartyName name={party} />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What differs between two versions: their rules part by part, and whom each takes. */
function Difference({ base, name }: { base: string; name: string }) {
  const { t, language } = useWords();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['segment-difference', base, name],
    queryFn: ({ signal }) => compareSegmentVersions(base, name, signal),
  });
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (isPending) return <Skeleton active />;
  return (
    <Flex vertical gap={16} data-testid="difference">
      <Row gutter={16}>
        {[
          [t('versions.before'), data.baseCount],
          [t('versions.after'), data.count],
          [t('versions.entering'), data.entering],
          [t('versions.leaving'), data.leaving],
        ].map(([title = '', value = '0']) => (
          <Col key={title} xs={12} md={6}>
            <Statistic title={title} value={formatCount(value, language)} />
          </Col>
        ))}
      </Row>
      <Flex vertical gap={6}>
        {data.changes.map((change, index) => (
          <Change key={`${index} ${change.before} ${change.after}`} change={change} />
        ))}
      </Flex>
      <Flex gap={48} wrap>
        <Sample title={t('versions.someEntering')} parties={data.enteringSample} />
        <Sample title={t('versions.someLeaving')} parties={data.leavingSample} />
      </Flex>
    </Flex>
  );
}

/** The versions of a segment, and two of them side by side. */
export function Versions({ id }: { id: string }) {
  const { t, language } = useWords();
  const say = useRuleWords();
  const [chosen, setChosen] = useState<number[]>([]);
  const { data, error, isFetching, refetch, page, back, forward } = usePages(
    ['segment-versions', id],
    (token, signal) => listSegmentVersions(id, token, signal),
  );
  const versions = data?.versions ?? [];
  // The newest two, until others are chosen.
  const pair = chosen.length === 2 ? chosen : versions.slice(0, 2).map(({ version }) => version);
  const [newer = 0, older = 0] = [...pair].sort((a, b) => b - a);
  return (
    <Flex vertical gap={16}>
      <Card size="small">
        {error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : (
          <Table<SegmentVersion>
            size="middle"
            rowKey="version"
            loading={isFetching}
            dataSource={versions}
            pagination={false}
            scroll={{ x: 'max-content' }}
            rowSelection={{
              selectedRowKeys: pair,
              hideSelectAll: true,
              // The two clicked last.
              onSelect: ({ version }, selected) =>
                setChosen((selected ? [...pair, version] : pair.filter((one) => one !== version)).slice(-2)),
            }}
            columns={[
              { title: t('segment.version'), render: (_, { version }) => version },
              { title: t('segment.state'), render: (_, { state }) => <State value={state} /> },
              {
                title: t('segment.meaning'),
                render: (_, { rule, description, rejectReason }) => (
                  <div style={{ maxWidth: 340, whiteSpace: 'normal' }}>
                    {say(rule, description)}
                    {rejectReason ? (
                      <div>
                        <Typography.Text type="danger">
                          {t('segment.sentBack')}: {rejectReason}
                        </Typography.Text>
                      </div>
                    ) : null}
                  </div>
                ),
              },
              {
                title: t('segment.members'),
                align: 'right',
                render: (_, { members, evaluateTime }) => (evaluateTime ? formatCount(members, language) : '–'),
              },
              {
                title: t('segment.author'),
                render: (_, { createdBy, createTime }) => (
                  <Flex vertical>
                    <StaffName name={createdBy} />
                    <When time={createTime} />
                  </Flex>
                ),
              },
              {
                title: t('segment.approver'),
                render: (_, { approvedBy, approveTime }) =>
                  approvedBy ? (
                    <Flex vertical>
                      <StaffName name={approvedBy} />
                      <When time={approveTime} />
                    </Flex>
                  ) : (
                    '–'
                  ),
              },
              { title: t('segment.publishTime'), render: (_, { publishTime }) => <When time={publishTime} /> },
              { title: t('segment.retireTime'), render: (_, { retireTime }) => <When time={retireTime} /> },
            ]}
          />
        )}
        <Pager page={page} back={back} forward={forward} />
      </Card>
      <Card size="small" title={older ? t('versions.title', { older, newer }) : t('versions.compare')}>
        {versions.length < 2 ? (
          <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('versions.only')} />
        ) : older ? (
          <Difference base={`segments/${id}@${older}`} name={`segments/${id}@${newer}`} />
        ) : (
          <Alert type="info" showIcon title={t('versions.chooseTwo')} />
        )}
      </Card>
    </Flex>
  );
}
