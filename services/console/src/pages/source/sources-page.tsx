import { useQuery } from '@tanstack/react-query';
import { Button, Card, Empty, Form, Input, InputNumber, Modal, Select, Table, Typography } from 'antd';
import { useState } from 'react';
import { createSource, listSources, type Source, sourceKinds, updateSource } from '../../api/sources.js';
import { Failed } from '../../shared/failed.js';
import { idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

interface Fields {
  id: string;
  kind: string;
  priority: number;
  en: string;
  zh: string;
}

/** The systems that customers come from, the most trusted first. */
export function SourcesPage() {
  const { t, label, language } = useWords();
  const { may } = useSession();
  const [edits, setEdits] = useState<Source | 'new'>();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['sources'],
    queryFn: ({ signal }) => listSources(signal),
  });
  const { mutate, isPending: saves } = useWrite(
    ({ id, kind, priority, en, zh }: Fields) => {
      const fields = { name: `sources/${id}`, kind, priority, title: { en, zh } };
      return edits === 'new' || !edits ? createSource(fields) : updateSource({ ...fields, etag: edits.etag });
    },
    { done: t('sources.saved'), reload: [['sources']], after: () => setEdits(undefined) },
  );
  const sources = (data?.sources ?? []).toSorted((a, b) => b.priority - a.priority || a.name.localeCompare(b.name));
  const changes = may('changeSources');
  const old = typeof edits === 'object' ? edits : undefined;
  const named = sourceKinds.map((value) => ({ value: value as string, label: label(value) }));
  return (
    <>
      <PageHead title={t('menu.sources')} note={t('sources.note')}>
        {changes ? (
          <Button type="primary" onClick={() => setEdits('new')}>
            {t('sources.create')}
          </Button>
        ) : null}
      </PageHead>
      <Card size="small">
        {error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : (
          <Table<Source>
            size="middle"
            rowKey="name"
            loading={isPending}
            dataSource={sources}
            pagination={false}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: isPending ? ' ' : <Empty description={t('sources.none')} /> }}
            columns={[
              { title: t('sources.priority'), dataIndex: 'priority', align: 'right' },
              {
                title: t('sources.title'),
                render: (_, { name, title }) => (
                  <>
                    {(language === 'zh' ? title?.zh : title?.en) || idOf(name)}{' '}
                    <Typography.Text type="secondary">{idOf(name)}</Typography.Text>
                  </>
                ),
              },
              {
                title: t('sources.kind'),
                render: (_, { kind }) => (kind === 'SOURCE_KIND_UNSPECIFIED' ? t('sources.noKind') : label(kind)),
              },
              { title: t('sources.changed'), render: (_, { updateTime }) => <When time={updateTime} /> },
              ...(changes
                ? [
                    {
                      title: '',
                      key: 'edit',
                      render: (_: unknown, source: Source) => (
                        <Button size="small" onClick={() => setEdits(source)}>
                          {t('sources.edit')}
                        </Button>
                      ),
                    },
                  ]
                : []),
            ]}
          />
        )}
      </Card>
      <Modal
        open={edits !== undefined}
        title={old ? idOf(old.name) : t('sources.create')}
        footer={null}
        onCancel={() => setEdits(undefined)}
        destroyOnHidden
      >
        <Form<Fields>
          layout="vertical"
          initialValues={{
            id: old ? idOf(old.name) : '',
            kind: old && old.kind !== 'SOURCE_KIND_UNSPECIFIED' ? old.kind : undefined,
            priority: old?.priority ?? 100,
            en: old?.title?.en ?? '',
            zh: old?.title?.zh ?? '',
          }}
          onFinish={(fields) => mutate(fields)}
        >
          <Form.Item
            name="id"
            label={t('sources.id')}
            extra={t('sources.idHint')}
            rules={[{ required: true, pattern: /^[a-z][a-z0-9_]{0,39}$/, message: t('sources.idHint') }]}
          >
            <Input disabled={old !== undefined} maxLength={40} />
          </Form.Item>
          <Form.Item name="kind" label={t('sources.kind')} rules={[{ required: true }]}>
            <Select options={named} />
          </Form.Item>
          <Form.Item
            name="priority"
            label={t('sources.priority')}
            extra={t('sources.priorityHint')}
            rules={[{ required: true }]}
          >
            <InputNumber min={0} max={1000} precision={0} />
          </Form.Item>
          <Form.Item name="en" label={t('sources.titleEn')}>
            <Input maxLength={100} />
          </Form.Item>
          <Form.Item name="zh" label={t('sources.titleZh')}>
            <Input maxLength={100} />
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={saves}>
            {t('common.save')}
          </Button>
        </Form>
      </Modal>
    </>
  );
}
