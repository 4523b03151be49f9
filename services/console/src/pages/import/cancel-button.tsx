import { Button, Form, Input, Modal } from 'antd';
import { useState } from 'react';
import { cancelImport } from '../../api/imports.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

/** Stops an import, after asking why. */
export function CancelImportButton({ id }: { id: string }) {
  const { t } = useWords();
  const [asks, setAsks] = useState(false);
  const [form] = Form.useForm<{ reason: string }>();
  const { mutate, isPending } = useWrite(({ reason }: { reason: string }) => cancelImport(id, reason), {
    done: t('importing.cancelled'),
    reload: [['import', id], ['imports']],
    after: () => setAsks(false),
  });
  return (
    <>
      <Button danger onClick={() => setAsks(true)}>
        {t('importing.cancel')}
      </Button>
      <Modal
        open={asks}
        title={t('importing.cancel')}
        okText={t('importing.cancel')}
        cancelText={t('importing.keep')}
        okButtonProps={{ danger: true }}
        confirmLoading={isPending}
        onOk={() => form.submit()}
        onCancel={() => setAsks(false)}
        destroyOnHidden
      >
        <p>{t('importing.cancelNote')}</p>
        <Form<{ reason: string }> form={form} layout="vertical" onFinish={(fields) => mutate(fields)}>
          <Form.Item
            name="reason"
            label={t('importing.cancelReason')}
            rules={[{ required: true, whitespace: true, message: t('importing.cancelReasonHint') }]}
          >
            <Input maxLength={200} />
          </Form.Item>
        </Form>
      </Modal>
    </>
  );
}
