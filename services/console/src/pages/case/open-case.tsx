import { useQuery } from '@tanstack/react-query';
import { Button, Form, Input, Modal, Select } from 'antd';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { casePriorities, listCaseTypes, openCase } from '../../api/cases.js';
import type { Party } from '../../api/customer.js';
import { channels } from '../../api/types.js';
import { Failed } from '../../shared/failed.js';
import { idOf } from '../../shared/format.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

interface Fields {
  type: string;
  channel: string;
  priority: string;
  subject: string;
  description: string;
}

/** Opens a case of a customer and goes to it. */
export function OpenCaseButton({ party }: { party: Party }) {
  const { t, label, language } = useWords();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const [form] = Form.useForm<Fields>();
  const types = useQuery({
    queryKey: ['case-types'],
    queryFn: ({ signal }) => listCaseTypes(signal),
    enabled: open,
    staleTime: 300_000,
  });
  const { mutate, isPending } = useWrite(
    (fields: Fields) => openCase({ ...fields, party: party.name, organisationPath: party.organisationPath }),
    {
      done: t('case.opened'),
      reload: [['cases'], ['party', idOf(party.name)]],
      after: (answer) => void navigate(`/cases/${idOf(answer.case.name)}`),
    },
  );
  const option = (value: string) => ({ value, label: label(value) });
  return (
    <>
      <Button type="primary" onClick={() => setOpen(true)}>
        {t('case.open')}
      </Button>
      <Modal
        open={open}
        title={t('case.open')}
        okText={t('case.open')}
        confirmLoading={isPending}
        onOk={() => form.submit()}
        onCancel={() => setOpen(false)}
        destroyOnHidden
      >
        {types.error ? <Failed error={types.error} retry={() => void types.refetch()} /> : null}
        <Form<Fields>
          form={form}
          layout="vertical"
          initialValues={{ channel: 'CHANNEL_PHONE', priority: 'CASE_PRIORITY_NORMAL', description: '' }}
          onFinish={(fields) => mutate(fields)}
        >
          <Form.Item name="type" label={t('case.type')} rules={[{ required: true }]}>
            <Select
              loading={types.isPending}
              showSearch={{ optionFilterProp: 'label' }}
              options={(types.data?.caseTypes ?? []).map(({ name, titleEn, titleZh }) => ({
                value: name,
                label: language === 'zh' && titleZh ? titleZh : titleEn,
              }))}
            />
          </Form.Item>
          <Form.Item name="channel" label={t('consent.channel')}>
            <Select options={channels.map(option)} />
          </Form.Item>
          <Form.Item name="priority" label={t('case.priority')}>
            <Select options={casePriorities.map(option)} />
          </Form.Item>
          <Form.Item name="subject" label={t('case.subject')} rules={[{ required: true }]}>
            <Input maxLength={200} />
          </Form.Item>
          <Form.Item name="description" label={t('case.description')}>
            <Input.TextArea rows={4} maxLength={4000} />
          </Form.Item>
        </Form>
      </Modal>
    </>
  );
}
