import { InfoCircleOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button, Flex, Form, Input, Modal, Popover, Typography } from 'antd';
import { useState } from 'react';
import {
  chooseField,
  clearFieldChoice,
  type FieldProvenance,
  getGoldenRecord,
  type RivalValue,
} from '../../api/golden.js';
import { idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { StaffName, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

/** The golden record opened up; nothing for those who may not see where fields come from. */
export function useGoldenRecord(id: string) {
  const { may } = useSession();
  return useQuery({
    queryKey: ['party', id, 'golden'],
    queryFn: ({ signal }) => getGoldenRecord(id, signal),
    enabled: may('viewProvenance'),
  });
}

interface ProvenanceProps {
  id: string;
  /** The field, such as `person.family_name`, or the beginning of list entries, such as `contact_points`. */
  path: string;
  /** What the page calls it. */
  name: string;
}

/** Says which source a field comes from and what the others say; a steward may decide otherwise. */
export function Provenance({ id, path, name }: ProvenanceProps) {
  const { t } = useWords();
  const { data } = useGoldenRecord(id);
  const found = data?.goldenRecord.fields.filter((field) => field.path === path || field.path.startsWith(`${path}[`));
  if (!found?.length) return null;
  return (
    <Popover
      trigger={['click']}
      title={t('golden.from', { field: name })}
      content={
        <Flex vertical gap={12} style={{ maxWidth: 460 }}>
          {found.map((field) => (
            <Origin key={field.path} id={id} field={field} name={name} />
          ))}
        </Flex>
      }
    >
      <Button
        type="text"
        size="small"
        icon={<InfoCircleOutlined />}
        aria-label={t('golden.whereFrom', { field: name })}
      />
    </Popover>
  );
}

function Origin({ id, field, name }: { id: string; field: FieldProvenance; name: string }) {
  const { t, label } = useWords();
  const { may } = useSession();
  const { data } = useGoldenRecord(id);
  const [wanted, setWanted] = useState<RivalValue>();
  const [form] = Form.useForm<{ reason: string }>();
  const choice = data?.goldenRecord.choices.find(({ path }) => path === field.path);
  const reload = [['party', id]];
  const choose = useWrite(
    ({ reason }: { reason: string }) =>
      chooseField(id, { path: field.path, sourceRecord: wanted?.sourceRecord ?? '', reason }),
    { done: t('golden.chosen'), reload, after: () => setWanted(undefined) },
  );
  const clear = useWrite(() => clearFieldChoice(id, field.path), { done: t('golden.cleared'), reload });
  // Of a list all entries stay, so that there is nothing to choose between.
  const decides = may('chooseFields') && !field.path.includes('[');
  return (
    <Flex vertical gap={4} data-testid="origin">
      <span>
        <strong>{idOf(field.source)}</strong> · {label(field.decidedBy)} · <When time={field.changeTime} />
      </span>
      {choice ? (
        <Typography.Text type="secondary">
          {choice.reason} · <StaffName name={choice.chosenBy} /> · <When time={choice.chooseTime} />
          {decides ? (
            <Button type="link" size="small" loading={clear.isPending} onClick={() => clear.mutate(undefined)}>
              {t('golden.clear')}
            </Button>
          ) : null}
        </Typography.Text>
      ) : null}
      {field.rivals.map((rival) => (
        <Flex key={rival.sourceRecord} gap={8} align="center" justify="space-between">
          <span>
            {idOf(rival.source)}
            {rival.value ? `: ${rival.value}` : ''} · <When time={rival.changeTime} />
          </span>
          {decides ? (
            <Button size="small" onClick={() => setWanted(rival)}>
              {t('golden.choose')}
            </Button>
          ) : null}
        </Flex>
      ))}
      {field.rivals.length === 0 ? <Typography.Text type="secondary">{t('golden.noRivals')}</Typography.Text> : null}
      <Modal
        open={wanted !== undefined}
        title={t('golden.chooseTitle', { field: name })}
        okText={t('golden.choose')}
        cancelText={t('common.cancel')}
        confirmLoading={choose.isPending}
        onOk={() => form.submit()}
        onCancel={() => setWanted(undefined)}
        destroyOnHidden
      >
        <Form<{ reason: string }> form={form} layout="vertical" onFinish={(fields) => choose.mutate(fields)}>
          <Form.Item name="reason" label={t('golden.reason')} rules={[{ required: true }]}>
            <Input maxLength={500} />
          </Form.Item>
        </Form>
      </Modal>
    </Flex>
  );
}
