import { Button, Form, Input, Modal, Select } from 'antd';
import { useState } from 'react';
import { type Party, recordInteraction } from '../../api/customer.js';
import { channels } from '../../api/types.js';
import { idOf } from '../../shared/format.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

interface Fields {
  channel: string;
  direction: string;
  subject: string;
  note: string;
}

/** Records a talk with the customer on the timeline. */
export function NoteButton({ party }: { party: Party }) {
  const { t, label } = useWords();
  const [open, setOpen] = useState(false);
  const [form] = Form.useForm<Fields>();
  const id = idOf(party.name);
  const { mutate, isPending } = useWrite(
    (fields: Fields) => recordInteraction(id, { kind: 'conversation', ...fields, note: fields.note ?? '' }),
    { done: t('interaction.saved'), reload: [['party', id]], after: () => setOpen(false) },
  );
  const option = (value: string) => ({ value, label: label(value) });
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t('interaction.record')}</Button>
      <Modal
        open={open}
        title={t('interaction.record')}
        okText={t('common.save')}
        confirmLoading={isPending}
        onOk={() => form.submit()}
        onCancel={() => setOpen(false)}
        destroyOnHidden
      >
        <Form<Fields>
          form={form}
          layout="vertical"
          initialValues={{ channel: 'CHANNEL_PHONE', direction: 'INTERACTION_DIRECTION_INBOUND', note: '' }}
          onFinish={(fields) => mutate(fields)}
        >
          <Form.Item name="channel" label={t('consent.channel')}>
            <Select options={channels.map(option)} />
          </Form.Item>
          <Form.Item name="direction" label={t('interaction.direction')}>
            <Select options={['INTERACTION_DIRECTION_INBOUND', 'INTERACTION_DIRECTION_OUTBOUND'].map(option)} />
          </Form.Item>
          <Form.Item name="subject" label={t('interaction.subject')} rules={[{ required: true }]}>
            <Input maxLength={200} />
          </Form.Item>
          <Form.Item name="note" label={t('interaction.note')}>
            <Input.TextArea rows={4} maxLength={2000} />
          </Form.Item>
        </Form>
      </Modal>
    </>
  );
}
