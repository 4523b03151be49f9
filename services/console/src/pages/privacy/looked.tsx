import { Card, DatePicker, Empty, Flex, Input, Table, Tag, Tooltip } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import { type AuditRecord, listAuditRecords } from '../../api/privacy.js';
import { Failed } from '../../shared/failed.js';
import { Pager, usePages } from '../../shared/pages.js';
import { StaffName, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

/** Who read or wrote what of a customer, and why, newest first. */
export function Looked({ id }: { id: string }) {
  const { t, label, code } = useWords();
  const [actor, setActor] = useState('');
  const [days, setDays] = useState<[Dayjs, Dayjs] | null>(null);
  const filter = {
    actor,
    startTime: days?.[0].startOf('day').toISOString() ?? '',
    endTime: days?.[1].endOf('day').toISOString() ?? '',
  };
  const { data, error, isPending, refetch, page, back, forward } = usePages(['looked', id, filter], (token, signal) =>
    listAuditRecords(id, filter, token, signal),
  );
  return (
    <Card size="small" title={t('looked.title')}>
      <Flex gap={12} wrap style={{ marginBottom: 12 }}>
        <Input.Search
          allowClear
          aria-label={t('looked.actor')}
          placeholder={t('looked.actorHint')}
          style={{ maxWidth: 260 }}
          onSearch={(text) => {
            const typed = text.trim();
            setActor(typed === '' || /[/:]/.test(typed) ? typed : `staff/${typed}`);
          }}
        />
        <DatePicker.RangePicker
          aria-label={t('looked.period')}
          value={days}
          onChange={(range) => setDays(range?.[0] && range[1] ? [range[0], range[1]] : null)}
        />
      </Flex>
      {error ? (
        <Failed error={error} retry={() => void refetch()} />
      ) : (
        <Table<AuditRecord>
          size="small"
          rowKey="id"
          loading={isPending}
          dataSource={data?.auditRecords ?? []}
          pagination={false}
          scroll={{ x: 'max-content' }}
          locale={{ emptyText: isPending ? ' ' : <Empty description={t('looked.none')} /> }}
          columns={[
            { title: t('looked.time'), render: (_, { time }) => <When time={time} /> },
            {
              title: t('looked.actor'),
              render: (_, one) => (
                <>
                  <StaffName name={one.actor} /> {one.roles.map((role) => code(role)).join(', ')}
                </>
              ),
            },
            {
              title: t('looked.action'),
              render: (_, { action, fields }) => (
                <Tooltip title={action}>
                  {action.slice(action.lastIndexOf('/') + 1)}
                  {fields.length > 0 ? `: ${fields.join(', ')}` : ''}
                </Tooltip>
              ),
            },
            {
              title: t('requests.reason'),
              render: (_, { reason, purpose }) => (reason ? label(reason) : code(purpose)) || '–',
            },
            {
              title: t('looked.chain'),
              render: (_, { sequence }) =>
                Number(sequence) > 0 ? (
                  <Tooltip title={t('looked.sealedNote')}>
                    <Tag color="green">{t('looked.sealed', { sequence })}</Tag>
                  </Tooltip>
                ) : (
                  <Tag>{t('looked.notSealed')}</Tag>
                ),
            },
          ]}
        />
      )}
      <Pager page={page} back={back} forward={forward} />
    </Card>
  );
}
