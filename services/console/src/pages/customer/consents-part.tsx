import { Button, DatePicker, Flex, Form, Input, Modal, Popconfirm, Select, Table, Typography } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import { type Consent, type NewConsent, setConsent } from '../../api/customer.js';
import { channels } from '../../api/types.js';
import { useSession } from '../../shared/session-context.js';
import { State, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { ConsentHistory } from './consent-history.js';
import { Part } from './part.js';

const purposes = ['marketing', 'service', 'analytics'];

type Fields = Omit<NewConsent, 'expireTime'> & { until?: Dayjs | null };

interface ConsentsProps {
  id: string;
  consents: Consent[];
  asOf: string | undefined;
}

/** What the customer agreed to, and how to change it. A change is a new record, never an overwriting. */
export function ConsentsPart({ id, consents, asOf }: ConsentsProps) {
  const { t, label, code } = useWords();
  const { may } = useSession();
  const [adds, setAdds] = useState(false);
  const [looksBack, setLooksBack] = useState(false);
  const [form] = Form.useForm<Fields>();
  const changes = may('changeConsent');
  const { mutate, isPending } = useWrite((consent: NewConsent) => setConsent(id, consent), {
    done: t('consent.saved'),
    reload: [['party', id]],
    after: () => setAdds(false),
  });
  const turn = (consent: Consent): void =>
    mutate({
      purpose: consent.purpose,
      channel: consent.channel,
      state: consent.state === 'CONSENT_STATE_GRANTED' ? 'CONSENT_STATE_WITHDRAWN' : 'CONSENT_STATE_GRANTED',
      textVersion: consent.textVersion,
      proof: t('consent.byStaff'),
    });
  return (
    <Part
      title={t('customer.consents')}
      asOf={asOf}
      action={
        <Flex gap={8}>
          <Button size="small" onClick={() => setLooksBack(true)}>
            {t('consent.history')}
          </Button>
          {changes ? (
            <Button size="small" onClick={() => setAdds(true)}>
              {t('consent.record')}
            </Button>
          ) : null}
        </Flex>
      }
    >
      <Table<Consent>
        size="small"
        rowKey={({ purpose, channel }) => `${purpose} ${channel}`}
        dataSource={consents}
        pagination={false}
        scroll={{ x: 'max-content' }}
        locale={{ emptyText: t('consent.none') }}
        columns={[
          { title: t('consent.purpose'), render: (_, { purpose }) => code(purpose) },
          { title: t('consent.channel'), render: (_, { channel }) => label(channel) },
          {
            title: t('consent.state'),
            render: (_, { state, effectiveTime, expireTime }) => (
              <Flex vertical gap={2} align="flex-start">
                <State value={state} />
                <When time={effectiveTime} />
                {expireTime ? (
                  <Typography.Text type="secondary">
                    {t('consent.until')} <When time={expireTime} />
                  </Typography.Text>
                ) : null}
              </Flex>
            ),
          },
          ...(changes
            ? [
                {
                  title: '',
                  key: 'turn',
                  render: (_: unknown, consent: Consent) => {
                    const granted = consent.state === 'CONSENT_STATE_GRANTED';
                    return (
                      <Popconfirm
                        title={t(granted ? 'consent.withdrawQuestion' : 'consent.grantQuestion')}
                        okText={t('common.yes')}
                        cancelText={t('common.no')}
                        onConfirm={() => turn(consent)}
                      >
                        <Button size="small" danger={granted}>
                          {t(granted ? 'consent.withdraw' : 'consent.grant')}
                        </Button>
                      </Popconfirm>
                    );
                  },
                },
              ]
            : []),
        ]}
      />
      <Modal
        open={adds}
        title={t('consent.record')}
        okText={t('common.save')}
        confirmLoading={isPending}
        onOk={() => form.submit()}
        onCancel={() => setAdds(false)}
        destroyOnHidden
      >
        <Form<Fields>
          form={form}
          layout="vertical"
          initialValues={{
            purpose: 'marketing',
            channel: 'CHANNEL_EMAIL',
            state: 'CONSENT_STATE_GRANTED',
            textVersion: '',
            proof: '',
          }}
          onFinish={({ until, ...consent }) =>
            mutate({
              ...consent,
              ...(until && consent.state === 'CONSENT_STATE_GRANTED'
                ? { expireTime: until.endOf('day').toISOString() }
                : {}),
            })
          }
        >
          <Form.Item name="purpose" label={t('consent.purpose')} rules={[{ required: true }]}>
            <Select options={purposes.map((value) => ({ value, label: code(value) }))} />
          </Form.Item>
          <Form.Item name="channel" label={t('consent.channel')} rules={[{ required: true }]}>
            <Select options={channels.map((value) => ({ value, label: label(value) }))} />
          </Form.Item>
          <Form.Item name="state" label={t('consent.state')} rules={[{ required: true }]}>
            <Select
              options={['CONSENT_STATE_GRANTED', 'CONSENT_STATE_WITHDRAWN'].map((value) => ({
                value,
                label: label(value),
              }))}
            />
          </Form.Item>
          <Form.Item
            name="textVersion"
            label={t('consent.textVersion')}
            rules={[{ required: true }]}
            extra={t('consent.textVersionHint')}
          >
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item
            name="proof"
            label={t('consent.proof')}
            rules={[{ required: true }]}
            extra={t('consent.proofHint')}
          >
            <Input maxLength={200} />
          </Form.Item>
          <Form.Item name="until" label={t('consent.until')} extra={t('consent.untilHint')}>
            <DatePicker disabledDate={(day) => day.endOf('day').valueOf() < Date.now()} />
          </Form.Item>
        </Form>
      </Modal>
      <ConsentHistory id={id} open={looksBack} close={() => setLooksBack(false)} />
    </Part>
  );
}
