import { Card, Empty, Flex, Select, Table, Typography } from 'antd';
import { useState } from 'react';
import type { SchemeVersion } from '../../api/schemes.js';
import { StaffName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { planDifferences } from './plan-difference.js';

/** Where the plans of two versions differ, place by place. */
function PlanDifference({ versions }: { versions: readonly SchemeVersion[] }) {
  const { t } = useWords();
  const [after, setAfter] = useState(versions[0]?.name ?? '');
  const [before, setBefore] = useState(versions[1]?.name ?? '');
  const planOf = (name: string): object => versions.find((one) => one.name === name)?.plan ?? {};
  const differences = planDifferences(planOf(before), planOf(after));
  const choose = (value: string, word: string, onChange: (name: string) => void) => (
    <Select
      aria-label={word}
      prefix={word}
      value={value}
      style={{ minWidth: 200 }}
      options={versions.map(({ name, version }) => ({ value: name, label: `${t('segment.version')} ${version}` }))}
      onChange={onChange}
    />
  );
  return (
    <Card size="small" title={t('schemeRun.compare')}>
      <Flex gap={12} wrap style={{ marginBottom: 12 }}>
        {choose(before, t('schemeRun.before'), setBefore)}
        {choose(after, t('schemeRun.after'), setAfter)}
      </Flex>
      <Typography.Paragraph type="secondary">{t('schemeRun.compareNote')}</Typography.Paragraph>
      <Table
        size="small"
        rowKey="path"
        data-testid="plan-difference"
        dataSource={differences}
        pagination={differences.length > 50 ? { pageSize: 50, size: 'small' } : false}
        locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('schemeRun.same')} /> }}
        columns={[
          { title: t('schemeRun.place'), dataIndex: 'path', className: 'mono' },
          {
            title: t('schemeRun.before'),
            render: (_, one) => (one.before ? <Typography.Text delete>{one.before}</Typography.Text> : '–'),
          },
          { title: t('schemeRun.after'), render: (_, one) => one.after || '–' },
        ]}
      />
    </Card>
  );
}

/** Who wrote, approved and published each version, and how two of them differ. */
export function SchemeVersions({ versions }: { versions: readonly SchemeVersion[] }) {
  const { t } = useWords();
  return (
    <Flex vertical gap={16}>
      <Card size="small">
        <Table
          size="small"
          rowKey="name"
          dataSource={versions}
          pagination={versions.length > 20 ? { pageSize: 20, size: 'small' } : false}
          scroll={{ x: 'max-content' }}
          columns={[
            { title: t('segment.version'), dataIndex: 'version' },
            { title: t('segment.state'), render: (_, { state }) => <State value={state} /> },
            { title: t('segment.author'), render: (_, { createdBy }) => <StaffName name={createdBy} /> },
            {
              title: t('segment.approver'),
              render: (_, { approvedBy }) => (approvedBy ? <StaffName name={approvedBy} /> : '–'),
            },
            { title: t('segment.publishTime'), render: (_, { publishTime }) => <When time={publishTime} /> },
            { title: t('schemeRun.retired'), render: (_, { retireTime }) => <When time={retireTime} /> },
          ]}
        />
      </Card>
      {versions.length > 1 ? <PlanDifference versions={versions} /> : null}
    </Flex>
  );
}
