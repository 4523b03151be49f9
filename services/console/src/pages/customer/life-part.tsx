import { useQuery } from '@tanstack/react-query';
import { Button, DatePicker, Flex, Form, Modal, Popconfirm, Select, Tag, Typography } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import {
  certainties,
  type LifeEvent,
  lifeEventKinds,
  listLifeEvents,
  recordLifeEvent,
  retractLifeEvent,
} from '../../api/portrait.js';
import { useSession } from '../../shared/session-context.js';
import { Day } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

interface Fields {
  kind: string;
  day: Dayjs;
  certainty: string;
}

/** What happened, or will happen, in the life of the customer. */
export function LifePart({ id, events: viewed, asOf }: { id: string; events: LifeEvent[]; asOf: string | undefined }) {
  const { t, label, code } = useWords();
  const { may } = useSession();
  const [adds, setAdds] = useState(false);
  const [form] = Form.useForm<Fields>();
  const { data, dataUpdatedAt } = useQuery({
    queryKey: ['party', id, 'life-events'],
    queryFn: ({ signal }) => listLifeEvents(id, signal),
    enabled: may('viewPortrait'),
  });
  const events = data?.lifeEvents ?? viewed;
  const reload = [['party', id]];
  const record = useWrite(
    ({ kind, day, certainty }: Fields) =>
      recordLifeEvent(id, {
        kind,
        startDate: { year: day.year(), month: day.month() + 1, day: day.date() },
        certainty,
        source: 'conversation',
      }),
    { done: t('life.saved'), reload, after: () => setAdds(false) },
  );
  const retract = useWrite(retractLifeEvent, { done: t('life.retracted'), reload });
  return (
    <Part
      title={t('life.title')}
      asOf={data ? new Date(dataUpdatedAt).toISOString() : asOf}
      action={
        may('changePortrait') ? (
          <Button size="small" onClick={() => setAdds(true)}>
            {t('life.record')}
          </Button>
        ) : null
      }
    >
      {events.length === 0 ? <Typography.Text type="secondary">{t('life.none')}</Typography.Text> : null}
      <Flex vertical gap={8}>
        {events.map(({ name, kind, otherKind, startDate, endDate, certainty }) => (
          <Flex key={name} justify="space-between" gap={8} align="center" data-testid="life-event">
            <span>
              {otherKind ? code(otherKind) : label(kind)} <Tag>{label(certainty)}</Tag>
              <Typography.Text type="secondary">
                <Day date={startDate} />
                {endDate ? (
                  <>
                    {' – '}
                    <Day date={endDate} />
                  </>
                ) : null}
              </Typography.Text>
            </span>
            {may('changePortrait') ? (
              <Popconfirm
                title={t('life.retractQuestion')}
                okText={t('common.yes')}
                cancelText={t('common.no')}
                onConfirm={() => retract.mutate(name)}
              >
                <Button size="small">{t('life.retract')}</Button>
              </Popconfirm>
            ) : null}
          </Flex>
        ))}
      </Flex>
      <Modal
        open={adds}
        title={t('life.record')}
        okText={t('common.save')}
        cancelText={t('common.cancel')}
        confirmLoading={record.isPending}
        onOk={() => form.submit()}
        onCancel={() => setAdds(false)}
        destroyOnHidden
      >
        <Form<Fields>
          form={form}
          layout="vertical"
          initialValues={{ certainty: 'LIFE_EVENT_CERTAINTY_REPORTED' }}
          onFinish={(fields) => record.mutate(fields)}
        >
          <Form.Item name="kind" label={t('life.kind')} rules={[{ required: true }]}>
            <Select options={lifeEventKinds.map((value) => ({ value, label: label(value) }))} />
          </Form.Item>
          <Form.Item name="day" label={t('life.day')} rules={[{ required: true }]}>
            <DatePicker />
          </Form.Item>
          <Form.Item name="certainty" label={t('life.certainty')} rules={[{ required: true }]}>
            <Select options={certainties.map((value) => ({ value, label: label(value) }))} />
          </Form.Item>
        </Form>
      </Modal>
    </Part>
  );
}
