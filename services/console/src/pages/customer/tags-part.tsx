import { useQuery } from '@tanstack/react-query';
import { Button, DatePicker, Flex, Form, Modal, Popconfirm, Popover, Select, Tag as Chip, Typography } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import { listTagDefinitions, listTags, removeTag, setTag, type Tag } from '../../api/portrait.js';
import { useSession } from '../../shared/session-context.js';
import { StaffName, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

interface TagsProps {
  id: string;
  /** What the view brought: all but the most sensitive ones. */
  tags: Tag[];
  asOf: string | undefined;
}

/** What the bank has noticed about the customer, each with who or what says so and until when. */
export function TagsPart({ id, tags: viewed, asOf }: TagsProps) {
  const { t } = useWords();
  const { may } = useSession();
  const [adds, setAdds] = useState(false);
  const { data, dataUpdatedAt } = useQuery({
    queryKey: ['party', id, 'tags'],
    queryFn: ({ signal }) => listTags(id, signal),
    enabled: may('viewPortrait'),
  });
  const tags = data?.tags ?? viewed;
  return (
    <Part
      title={t('portrait.title')}
      asOf={data ? new Date(dataUpdatedAt).toISOString() : asOf}
      action={
        may('changePortrait') ? (
          <Button size="small" onClick={() => setAdds(true)}>
            {t('portrait.add')}
          </Button>
        ) : null
      }
    >
      {tags.length === 0 ? <Typography.Text type="secondary">{t('portrait.none')}</Typography.Text> : null}
      <Flex gap={8} wrap>
        {tags.map((tag) => (
          <OneTag key={tag.name} id={id} tag={tag} />
        ))}
      </Flex>
      {adds ? <AddTag id={id} close={() => setAdds(false)} /> : null}
    </Part>
  );
}

function OneTag({ id, tag }: { id: string; tag: Tag }) {
  const { t, label, language } = useWords();
  const { may } = useSession();
  const { mutate, isPending } = useWrite(() => removeTag(tag.name), {
    done: t('portrait.removed'),
    reload: [['party', id]],
  });
  const title = language === 'zh' ? tag.titleZh : tag.titleEn;
  // What a rule or a segment says is changed there, not here.
  const removable = tag.grounds.some(({ source }) => !/_(RULE|SEGMENTATION)$/.test(source));
  return (
    <Popover
      trigger={['click']}
      title={title}
      content={
        <Flex vertical gap={8} style={{ maxWidth: 380 }} data-testid="grounds">
          {tag.grounds.map(({ source, reference, setBy, setTime, expireTime }) => (
            <div key={`${source} ${reference}`}>
              {label(source)} {reference} · <StaffName name={setBy} /> · <When time={setTime} />
              <br />
              <Typography.Text type="secondary">
                {expireTime ? (
                  <>
                    {t('portrait.until')} <When time={expireTime} />
                  </>
                ) : (
                  t('portrait.forGood')
                )}
              </Typography.Text>
            </div>
          ))}
          {may('changePortrait') && removable ? (
            <Popconfirm
              title={t('portrait.removeQuestion')}
              okText={t('common.yes')}
              cancelText={t('common.no')}
              onConfirm={() => mutate(undefined)}
            >
              <Button size="small" danger loading={isPending}>
                {t('portrait.remove')}
              </Button>
            </Popconfirm>
          ) : null}
        </Flex>
      }
    >
      <Button size="small" type="text" style={{ padding: 0 }}>
        <Chip color={tag.dataClass === 'TAG_CLASS_C3' ? 'red' : 'cyan'} style={{ margin: 0 }}>
          {title}
        </Chip>
      </Button>
    </Popover>
  );
}

function AddTag({ id, close }: { id: string; close: () => void }) {
  const { t, language } = useWords();
  const { roles } = useSession();
  const [form] = Form.useForm<{ definition: string; until?: Dayjs | null }>();
  const { data, isPending: loads } = useQuery({
    queryKey: ['tag-definitions'],
    queryFn: ({ signal }) => listTagDefinitions(signal),
  });
  const { mutate, isPending } = useWrite(
    ({ definition, until }: { definition: string; until?: Dayjs | null }) =>
      setTag(id, { definition, ...(until ? { expireTime: until.endOf('day').toISOString() } : {}) }),
    { done: t('portrait.set'), reload: [['party', id]], after: close },
  );
  const own = (data?.tagDefinitions ?? []).filter(
    ({ retired, setByRoles }) => !retired && setByRoles.some((role) => roles.includes(role)),
  );
  return (
    <Modal
      open
      title={t('portrait.add')}
      okText={t('common.save')}
      cancelText={t('common.cancel')}
      confirmLoading={isPending}
      onOk={() => form.submit()}
      onCancel={close}
    >
      <Form<{ definition: string; until?: Dayjs | null }>
        form={form}
        layout="vertical"
        onFinish={(fields) => mutate(fields)}
      >
        <Form.Item name="definition" label={t('portrait.tag')} rules={[{ required: true }]}>
          <Select
            loading={loads}
            showSearch={{ optionFilterProp: 'label' }}
            notFoundContent={t('portrait.noDefinitions')}
            options={own.map(({ name, titleEn, titleZh }) => ({
              value: name,
              label: language === 'zh' ? titleZh : titleEn,
            }))}
          />
        </Form.Item>
        <Form.Item name="until" label={t('portrait.until')} extra={t('portrait.untilHint')}>
          <DatePicker disabledDate={(day) => day.endOf('day').valueOf() < Date.now()} />
        </Form.Item>
      </Form>
    </Modal>
  );
}
