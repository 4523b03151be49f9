import { Button, Form, Modal, Popconfirm, Select } from 'antd';
import { useState } from 'react';
import {
  actOnRequest,
  type DataSubjectRequest,
  extensionReasons,
  identityChecks,
  refusalReasons,
  type RequestStep,
} from '../../api/privacy.js';
import { useSession } from '../../shared/session-context.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { isOpen } from './term.js';

type Asked = 'accept' | 'refuse' | 'extend';
interface Fields {
  value: string;
}

const toStep: Record<Asked, (value: string) => RequestStep> = {
  accept: (identityCheck) => ({ verb: 'decide', identityCheck }),
  refuse: (refusalReason) => ({ verb: 'decide', refusalReason }),
  extend: (reason) => ({ verb: 'extend', reason }),
};
const choices: Record<Asked, string[]> = { accept: identityChecks, refuse: refusalReasons, extend: extensionReasons };
// These are carried out by a person, who then says so; the others complete by themselves.
const byHand = /_(ACCESS|PORTABILITY|RECTIFICATION)$/;

/** What can be done with a request in its state. */
export function RequestActions({ id, of }: { id: string; of: DataSubjectRequest }) {
  const { t, label } = useWords();
  const { may } = useSession();
  const [asked, setAsked] = useState<Asked>();
  const { mutate, isPending } = useWrite((step: RequestStep) => actOnRequest(of.name, step), {
    done: t('requests.done'),
    reload: [['request', id], ['requests'], ['party']],
    after: () => setAsked(undefined),
  });
  if (!may('decideRequests') || !isOpen(of)) return null;
  const received = of.state === 'DATA_SUBJECT_REQUEST_STATE_RECEIVED';
  const known = of.identityCheck === 'IDENTITY_CHECK_UNSPECIFIED' ? undefined : of.identityCheck;
  const erases = of.kind === 'DATA_SUBJECT_REQUEST_KIND_ERASURE';
  return (
    <>
      {received ? (
        <>
          <Button type="primary" danger={erases} onClick={() => setAsked('accept')}>
            {t('requests.accept')}
          </Button>
          <Button onClick={() => setAsked('refuse')}>{t('requests.refuse')}</Button>
        </>
      ) : null}
      {of.extensionReason === 'EXTENSION_REASON_UNSPECIFIED' && !of.overdue ? (
        <Button onClick={() => setAsked('extend')}>{t('requests.extend')}</Button>
      ) : null}
      {!received && byHand.test(of.kind) ? (
        <Popconfirm
          title={t('requests.completeQuestion')}
          okText={t('common.yes')}
          cancelText={t('common.no')}
          onConfirm={() => mutate({ verb: 'complete' })}
        >
          <Button type="primary" disabled={isPending}>
            {t('requests.complete')}
          </Button>
        </Popconfirm>
      ) : null}
      <Modal
        open={asked !== undefined}
        title={asked ? t(`requests.${asked}`) : ''}
        footer={null}
        onCancel={() => setAsked(undefined)}
        destroyOnHidden
      >
        {asked ? (
          <Form<Fields>
            layout="vertical"
            initialValues={{ value: asked === 'accept' ? known : undefined }}
            onFinish={({ value }) => mutate(toStep[asked](value))}
          >
            <p>{t(asked === 'accept' && erases ? 'requests.texts.erase' : `requests.texts.${asked}`)}</p>
            <Form.Item
              name="value"
              label={t(asked === 'accept' ? 'requests.identityCheck' : 'requests.reason')}
              rules={[{ required: true }]}
            >
              <Select options={choices[asked].map((value) => ({ value, label: label(value) }))} />
            </Form.Item>
            <Button type="primary" danger={asked === 'accept' && erases} htmlType="submit" loading={isPending}>
              {t(`requests.${asked}`)}
            </Button>
          </Form>
        ) : null}
      </Modal>
    </>
  );
}
