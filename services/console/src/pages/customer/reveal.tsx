import { EyeOutlined } from '@ant-design/icons';
import { useMutation } from '@tanstack/react-query';
import { Button, Flex, Form, Input, Modal, Select, Typography } from 'antd';
import { useState } from 'react';
import { revealField, revealReasons } from '../../api/privacy.js';
import { useShowFailure } from '../../shared/failed.js';
import { useSession } from '../../shared/session-context.js';
import { useWords } from '../../shared/words.js';
import { industryOf, occupationOf } from './livelihood.js';

interface Fields {
  reason: string;
  case?: string;
}

/** A masked field: asks why before it shows it. The value is kept only as long as it stands on the page. */
export function Masked({ id, field, name }: { id: string; field: string; name: string }) {
  const { t, label, code } = useWords();
  const { may } = useSession();
  const showFailure = useShowFailure();
  const [asks, setAsks] = useState(false);
  const [form] = Form.useForm<Fields>();
  const reason = Form.useWatch('reason', form);
  const { mutate, data, isPending } = useMutation({
    mutationFn: ({ reason: why, case: caseName = '' }: Fields) => revealField(id, field, why, caseName.trim()),
    // What was shown is not to be found again in memory when the page is left.
    gcTime: 0,
    onSuccess: () => setAsks(false),
    onError: showFailure,
  });
  const shown = (value: string): string => {
    if (field === 'person.sex') return label(`SEX_${value}`);
    if (field === 'person.education') return label(`EDUCATION_LEVEL_${value}`);
    if (field === 'person.occupation') return `${code(occupationOf(value))} · ${value}`;
    return field === 'person.industry' ? `${code(industryOf(value))} · ${value}` : value;
  };
  if (data) {
    return <Typography.Text className="plain-text">{data.values.map(shown).join('; ') || '–'}</Typography.Text>;
  }
  return (
    <Flex gap={8} align="center">
      <Typography.Text type="secondary" aria-label={t('reveal.masked')}>
        ••••
      </Typography.Text>
      {may('revealFields') ? (
        <Button
          size="small"
          icon={<EyeOutlined />}
          aria-label={t('reveal.buttonFor', { field: name })}
          onClick={() => setAsks(true)}
        >
          {t('reveal.button')}
        </Button>
      ) : null}
      <Modal
        open={asks}
        title={t('reveal.title', { field: name })}
        okText={t('reveal.button')}
        cancelText={t('common.cancel')}
        confirmLoading={isPending}
        onOk={() => form.submit()}
        onCancel={() => setAsks(false)}
        destroyOnHidden
      >
        <Typography.Paragraph type="secondary">{t('reveal.note')}</Typography.Paragraph>
        <Form<Fields> form={form} layout="vertical" onFinish={(fields) => mutate(fields)}>
          <Form.Item name="reason" label={t('reveal.reason')} rules={[{ required: true }]}>
            <Select options={revealReasons.map((value) => ({ value, label: label(value) }))} />
          </Form.Item>
          {reason === 'REVEAL_REASON_CASE' ? (
            <Form.Item
              name="case"
              label={t('reveal.case')}
              extra={t('reveal.caseHint')}
              rules={[{ required: true, pattern: /^cases\/[0-9a-f-]{36}$/, message: t('reveal.caseHint') }]}
            >
              <Input />
            </Form.Item>
          ) : null}
        </Form>
      </Modal>
    </Flex>
  );
}
