import { Button, Form, Input, Modal } from 'antd';
import { useState } from 'react';
import { liftErasedKey } from '../../api/imports.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

interface Wish {
  sourceKey: string;
  reason: string;
}

/** Lets a key in again whose party was erased. The key is asked for: of who was erased, the reject list keeps none. */
export function LiftErasedKeyButton({ source }: { source: string }) {
  const { t } = useWords();
  const [asks, setAsks] = useState(false);
  const [form] = Form.useForm<Wish>();
  const { mutate, isPending } = useWrite((wish: Wish) => liftErasedKey(source, wish), {
    done: t('importing.lifted'),
    reload: [],
    after: () => setAsks(false),
  });
  const required = [{ required: true, whitespace: true, message: t('importing.liftReasonHint') }];
  return (
    <>
      <Button size="small" onClick={() => setAsks(true)}>
        {t('importing.lift')}
      </Button>
      <Modal
        open={asks}
        title={t('importing.lift')}
        okText={t('importing.lift')}
        cancelText={t('common.cancel')}
        confirmLoading={isPending}
        onOk={() => form.submit()}
        onCancel={() => setAsks(false)}
        destroyOnHidden
      >
        <p>{t('importing.liftNote')}</p>
        <Form<Wish> form={form} layout="vertical" onFinish={(wish) => mutate(wish)}>
          <Form.Item name="sourceKey" label={t('importing.liftKey')} rules={[{ required: true }]}>
            <Input maxLength={120} />
          </Form.Item>
          <Form.Item name="reason" label={t('importing.liftReason')} rules={required}>
            <Input maxLength={200} />
          </Form.Item>
        </Form>
      </Modal>
    </>
  );
}
