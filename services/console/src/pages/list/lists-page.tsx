import { Button, Card, Checkbox, Empty, Flex, Form, Input, Modal, Table, Tag } from 'antd';
import { useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { createList, listLists, type StaticList } from '../../api/lists.js';
import { Failed } from '../../shared/failed.js';
import { idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, StaffName, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { IdentityFields } from '../segment/identity-fields.js';
import { SegmentPlaces } from '../segment/segment-places.js';

/** Makes a list and leads to it. */
function NewList() {
  const { t } = useWords();
  const { organisationPath } = useSession();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const [form] = Form.useForm();
  const { mutate, isPending } = useWrite(createList, {
    done: t('list.created'),
    reload: [['lists']],
    after: ({ staticList }) => void navigate(`/segmentation/lists/${idOf(staticList.name)}`),
  });
  return (
    <>
      <Button type="primary" onClick={() => setOpen(true)}>
        {t('list.create')}
      </Button>
      <Modal
        open={open}
        width={720}
        destroyOnHidden
        title={t('list.create')}
        okText={t('list.make')}
        cancelText={t('common.cancel')}
        okButtonProps={{ loading: isPending }}
        onOk={() => form.submit()}
        onCancel={() => setOpen(false)}
      >
        <Form form={form} layout="vertical" initialValues={{ organisationPath }} onFinish={(list) => mutate(list)}>
          <IdentityFields idField="listId" longest={60} />
        </Form>
      </Modal>
    </>
  );
}

/** The lists of customers that rules can ask for. */
export function ListsPage() {
  const { t } = useWords();
  const { may } = useSession();
  const [parameters, setParameters] = useSearchParams();
  const query = parameters.get('q') ?? '';
  const retired = parameters.has('retired');
  const { data, error, isFetching, refetch, page, back, forward } = usePages(
    ['lists', query, String(retired)],
    (token, signal) => listLists(query, retired, token, signal),
  );
  const ask = (next: { q?: string; retired?: boolean }) => {
    const wanted = { q: query, retired, ...next };
    setParameters(
      { ...(wanted.q ? { q: wanted.q } : {}), ...(wanted.retired ? { retired: '1' } : {}) },
      { replace: true },
    );
  };
  return (
    <>
      <PageHead title={t('list.title')} note={t('list.note')}>
        {may('editSegments') ? <NewList /> : null}
      </PageHead>
      <SegmentPlaces />
      <Card size="small">
        <Flex gap={16} align="center" wrap style={{ marginBottom: 12 }}>
          <Input.Search
            allowClear
            defaultValue={query}
            maxLength={100}
            aria-label={t('list.find')}
            placeholder={t('list.find')}
            style={{ maxWidth: 320 }}
            onSearch={(q) => ask({ q: q.trim() })}
          />
          <Checkbox checked={retired} onChange={({ target }) => ask({ retired: target.checked })}>
            {t('list.showRetired')}
          </Checkbox>
        </Flex>
        {error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : (
          <Table<StaticList>
            size="middle"
            rowKey="name"
            loading={isFetching}
            dataSource={data?.staticLists ?? []}
            pagination={false}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: <Empty description={query ? t('list.noneFound') : t('list.none')} /> }}
            columns={[
              {
                title: t('segment.title'),
                render: (_, { name, title, retireTime }) => (
                  <Flex gap={8}>
                    <Link to={`/segmentation/lists/${idOf(name)}`}>{title}</Link>
                    {retireTime ? <Tag>{t('list.retired')}</Tag> : null}
                  </Flex>
                ),
              },
              { title: t('segment.id'), render: (_, { name }) => idOf(name) },
              { title: t('party.organisationPath'), dataIndex: 'organisationPath' },
              { title: t('segment.version'), align: 'right', render: (_, { latestVersion }) => latestVersion || '–' },
              { title: t('segment.author'), render: (_, { createdBy }) => <StaffName name={createdBy} /> },
              { title: t('segment.created'), render: (_, { createTime }) => <When time={createTime} /> },
            ]}
          />
        )}
        <Pager page={page} back={back} forward={forward} />
      </Card>
    </>
  );
}
