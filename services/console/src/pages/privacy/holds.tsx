import { Button, Card, DatePicker, Empty, Form, Modal, Popconfirm, Select, Table, Tag } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import { holdReasons, type LegalHold, listLegalHolds, placeLegalHold, releaseLegalHold } from '../../api/privacy.js';
import { Failed } from '../../shared/failed.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { StaffName, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

const inForce = ({ releaseTime, endTime }: LegalHold): boolean =>
  !releaseTime && new Date(endTime).getTime() > Date.now();

/** What keeps a customer's data from being erased. */
export function Holds({ id }: { id: string }) {
  const { t, label } = useWords();
  const { may } = useSession();
  const [adds, setAdds] = useState(false);
  const changes = may('placeHolds');
  const { data, error, isPending, refetch, page, back, forward } = usePages(['holds', id], (token, signal) =>
    listLegalHolds(id, token, signal),
  );
  const place = useWrite(
    ({ reason, end }: { reason: string; end: Dayjs }) =>
      placeLegalHold(id, { reason, endTime: end.endOf('day').toISOString() }),
    { done: t('holds.placed'), reload: [['holds', id]], after: () => setAdds(false) },
  );
  const release = useWrite(releaseLegalHold, { done: t('holds.released'), reload: [['holds', id]] });
  return (
    <Card
      size="small"
      title={t('holds.title')}
      extra={
        changes ? (
          <Button size="small" onClick={() => setAdds(true)}>
            {t('holds.place')}
          </Button>
        ) : null
      }
    >
      {error ? (
        <Failed error={error} retry={() => void refetch()} />
      ) : (
        <Table<LegalHold>
          size="small"
          rowKey="name"
          loading={isPending}
          dataSource={data?.legalHolds ?? []}
          pagination={false}
          scroll={{ x: 'max-content' }}
          locale={{
            emptyText: isPending ? ' ' : <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('holds.none')} />,
          }}
          columns={[
            { title: t('requests.reason'), render: (_, { reason }) => label(reason) },
            {
              title: t('holds.end'),
              render: (_, hold) => (
                <>
                  <When time={hold.endTime} />{' '}
                  {inForce(hold) ? <Tag color="orange">{t('holds.inForce')}</Tag> : <Tag>{t('holds.over')}</Tag>}
                </>
              ),
            },
            { title: t('holds.placedBy'), render: (_, { placedBy }) => <StaffName name={placedBy} /> },
            {
              title: t('holds.releasedBy'),
              render: (_, { releasedBy }) => (releasedBy ? <StaffName name={releasedBy} /> : '–'),
            },
            {
              title: '',
              key: 'release',
              render: (_, hold) =>
                changes && inForce(hold) ? (
                  <Popconfirm
                    title={t('holds.releaseQuestion')}
                    okText={t('common.yes')}
                    cancelText={t('common.no')}
                    onConfirm={() => release.mutate(hold.name)}
                  >
                    <Button size="small" disabled={release.isPending}>
                      {t('holds.release')}
                    </Button>
                  </Popconfirm>
                ) : null,
            },
          ]}
        />
      )}
      <Pager page={page} back={back} forward={forward} />
      <Modal open={adds} title={t('holds.place')} footer={null} onCancel={() => setAdds(false)} destroyOnHidden>
        <Form<{ reason: string; end: Dayjs }> layout="vertical" onFinish={(fields) => place.mutate(fields)}>
          <Form.Item name="reason" label={t('requests.reason')} rules={[{ required: true }]}>
            <Select options={holdReasons.map((value) => ({ value, label: label(value) }))} />
          </Form.Item>
          <Form.Item name="end" label={t('holds.end')} rules={[{ required: true }]}>
            <DatePicker disabledDate={(day) => day.endOf('day').valueOf() < Date.now()} />
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={place.isPending}>
            {t('common.save')}
          </Button>
        </Form>
      </Modal>
    </Card>
  );
}
