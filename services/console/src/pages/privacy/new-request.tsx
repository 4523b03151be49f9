import { Button, DatePicker, Form, Input, Modal, Select } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { createDataSubjectRequest, identityChecks, requestKinds } from '../../api/privacy.js';
import { idOf } from '../../shared/format.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

interface Fields {
  party: string;
  kind: string;
  identityCheck?: string;
  purpose?: string;
  received?: Dayjs;
}

const partyId = /[0-9a-f]{8}-[0-9a-f-]{27}/;

/** Takes what somebody asks for about their own data; `party` is whom it is about, where that is known. */
export function NewRequestButton({ party = '' }: { party?: string }) {
  const { t, label } = useWords();
  const navigate = useNavigate();
  const [asks, setAsks] = useState(false);
  const { mutate, isPending } = useWrite(
    ({ received, ...fields }: Fields) =>
      createDataSubjectRequest({
        kind: fields.kind,
        party: `parties/${partyId.exec(fields.party)?.[0] ?? ''}`,
        identityCheck: fields.identityCheck ?? 'IDENTITY_CHECK_UNSPECIFIED',
        purpose: fields.purpose ?? '',
        ...(received ? { receiveTime: received.toISOString() } : {}),
      }),
    {
      done: t('requests.taken'),
      reload: [['requests']],
      after: ({ dataSubjectRequest }) => {
        setAsks(false);
        void navigate(`/requests/${idOf(dataSubjectRequest.name)}`);
      },
    },
  );
  return (
    <>
      <Button type="primary" onClick={() => setAsks(true)}>
        {t('requests.create')}
      </Button>
      <Modal open={asks} title={t('requests.create')} footer={null} onCancel={() => setAsks(false)} destroyOnHidden>
        <Form<Fields> layout="vertical" initialValues={{ party }} onFinish={(fields) => mutate(fields)}>
          <Form.Item
            name="party"
            label={t('case.party')}
            extra={t('requests.partyHint')}
            rules={[{ required: true, pattern: partyId, message: t('requests.partyHint') }]}
          >
            <Input disabled={party !== ''} />
          </Form.Item>
          <Form.Item name="kind" label={t('requests.kind')} rules={[{ required: true }]}>
            <Select options={requestKinds.map((value) => ({ value, label: label(value) }))} />
          </Form.Item>
          <Form.Item noStyle dependencies={['kind']}>
            {({ getFieldValue }) =>
              getFieldValue('kind') === 'DATA_SUBJECT_REQUEST_KIND_OBJECTION' ? (
                <Form.Item
                  name="purpose"
                  label={t('consent.purpose')}
                  extra={t('requests.purposeHint')}
                  rules={[{ pattern: /^[a-z][a-z0-9_]{0,39}$/, message: t('requests.purposeHint') }]}
                >
                  <Input maxLength={40} />
                </Form.Item>
              ) : null
            }
          </Form.Item>
          <Form.Item name="identityCheck" label={t('requests.identityCheck')} extra={t('requests.identityHint')}>
            <Select allowClear options={identityChecks.map((value) => ({ value, label: label(value) }))} />
          </Form.Item>
          <Form.Item name="received" label={t('requests.received')} extra={t('requests.receivedHint')}>
            <DatePicker showTime={{ format: 'HH:mm' }} disabledDate={(day) => day.valueOf() > Date.now()} />
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={isPending}>
            {t('common.save')}
          </Button>
        </Form>
      </Modal>
    </>
  );
}
