import { useQuery } from '@tanstack/react-query';
import {
  Alert,
  Button,
  Card,
  DatePicker,
  Descriptions,
  Empty,
  Flex,
  Popconfirm,
  Skeleton,
  Table,
  Tabs,
  Typography,
} from 'antd';
import { useState } from 'react';
import { Link, useNavigate, useParams, useSearchParams } from 'react-router';
import { type FoundList, getList, listEntries, type ListUpload, listUploads, retireList } from '../../api/lists.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { Day, PageHead, PartyName, StaffName, State, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { NewUpload } from './new-upload.js';

/** Who stands on a list, or stood on it on another day. */
function Entries({ id }: { id: string }) {
  const { t } = useWords();
  const [asOf, setAsOf] = useState('');
  const { data, error, isFetching, refetch, page, back, forward } = usePages(
    ['list-entries', id, asOf],
    (token, signal) => listEntries(id, asOf, token, signal),
  );
  return (
    <Card size="small">
      <DatePicker
        aria-label={t('list.asOf')}
        placeholder={t('list.asOf')}
        style={{ marginBottom: 12, width: 220 }}
        onChange={(day) => setAsOf(day ? day.format('YYYY-MM-DD') : '')}
      />
      {error ? (
        <Failed error={error} retry={() => void refetch()} />
      ) : (
        <Table
          size="small"
          rowKey={({ party, fromDate }) => `${party} ${JSON.stringify(fromDate)}`}
          loading={isFetching}
          dataSource={data?.entries ?? []}
          pagination={false}
          scroll={{ x: 'max-content' }}
          locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('list.nobody')} /> }}
          columns={[
            { title: t('party.name'), render: (_, { party }) => <PartyName name={party} /> },
            { title: t('list.from'), render: (_, { fromDate }) => <Day date={fromDate} /> },
            { title: t('list.until'), render: (_, { untilDate }) => <Day date={untilDate} /> },
            { title: t('list.noteOf'), dataIndex: 'note' },
            { title: t('segment.version'), align: 'right', render: (_, { version }) => version || '–' },
            { title: t('list.by'), render: (_, { changedBy }) => <StaffName name={changedBy} /> },
          ]}
        />
      )}
      <Pager page={page} back={back} forward={forward} />
    </Card>
  );
}

/** The files that were sent, the newest first; those that were applied are the versions. */
function Uploads({ id }: { id: string }) {
  const { t, label, language } = useWords();
  const { data, error, isFetching, refetch, page, back, forward } = usePages(
    ['list-uploads', id],
    (token, signal) => listUploads(id, token, signal),
    { refetchInterval: 5000 },
  );
  return (
    <Card size="small">
      {error ? (
        <Failed error={error} retry={() => void refetch()} />
      ) : (
        <Table<ListUpload>
          size="small"
          rowKey="name"
          loading={isFetching && !data}
          dataSource={data?.uploads ?? []}
          pagination={false}
          scroll={{ x: 'max-content' }}
          locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('list.noUploads')} /> }}
          columns={[
            {
              title: t('list.file'),
              render: (_, { name, fileName }) => (
                <Link to={`/segmentation/lists/${id}/uploads/${name.split('/').at(-1)}`}>{fileName}</Link>
              ),
            },
            { title: t('segment.version'), align: 'right', render: (_, { version }) => version || '–' },
            { title: t('segment.state'), render: (_, { state }) => <State value={state} /> },
            { title: t('list.mode'), render: (_, { mode }) => label(mode) },
            {
              title: t('list.added'),
              align: 'right',
              render: (_, { applied, difference }) => formatCount((applied ?? difference)?.added ?? '0', language),
            },
            {
              title: t('list.removed'),
              align: 'right',
              render: (_, { applied, difference }) => formatCount((applied ?? difference)?.removed ?? '0', language),
            },
            { title: t('list.rejected'), align: 'right', render: (_, { rejected }) => formatCount(rejected, language) },
            { title: t('list.by'), render: (_, { createdBy }) => <StaffName name={createdBy} /> },
            { title: t('segment.created'), render: (_, { createTime }) => <When time={createTime} /> },
          ]}
        />
      )}
      <Pager page={page} back={back} forward={forward} />
    </Card>
  );
}

/** What asks for the list, as links. */
function UsedBy({ segments, schemes }: Pick<FoundList, 'segments' | 'schemes'>) {
  const { t } = useWords();
  if (segments.length + schemes.length === 0) return <span>{t('list.unused')}</span>;
  return (
    <Flex gap={8} wrap>
      {segments.map((name) => (
        <Link key={name} to={`/segments/${idOf(name)}`}>
          {idOf(name)}
        </Link>
      ))}
      {schemes.map((name) => (
        <Link key={name} to={`/segmentation/schemes/${idOf(name)}`}>
          {idOf(name)}
        </Link>
      ))}
    </Flex>
  );
}

/** One list: who stands on it, what was sent, what asks for it. */
export function ListPage() {
  const { t, language } = useWords();
  const { may } = useSession();
  const navigate = useNavigate();
  const { list: id = '' } = useParams();
  const [parameters, setParameters] = useSearchParams();
  const [sends, setSends] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: ['list', id],
    queryFn: ({ signal }) => getList(id, signal),
    refetchInterval: ({ state }) => (state.data && state.data.pending !== '0' ? 1000 : false),
  });
  const retire = useWrite(() => retireList(id), { done: t('list.retiredNow'), reload: [['list', id], ['lists']] });
  if (error && !data) {
    return (
      <>
        <PageHead title={t('list.title')} />
        <Failed error={error} retry={() => void refetch()} />
      </>
    );
  }
  if (!data) return <Skeleton active paragraph={{ rows: 8 }} />;
  const { staticList, segments, schemes, guarded } = data;
  const open = !staticList.retireTime;
  const edits = may('editSegments') && open;
  return (
    <>
      <PageHead title={staticList.title} note={`${staticList.name} · ${staticList.organisationPath}`}>
        {edits ? (
          <>
            <Popconfirm
              title={t('list.retireQuestion')}
              okText={t('common.yes')}
              cancelText={t('common.no')}
              onConfirm={() => retire.mutate()}
            >
              <Button
                danger
                disabled={guarded}
                title={guarded ? t('list.retireBlocked') : ''}
                loading={retire.isPending}
              >
                {t('list.retire')}
              </Button>
            </Popconfirm>
            <Button type="primary" onClick={() => setSends(true)}>
              {t('list.send')}
            </Button>
          </>
        ) : null}
      </PageHead>
      <Flex vertical gap={16}>
        {open ? null : <Alert type="warning" showIcon title={t('list.isRetired')} />}
        {open && guarded ? <Alert type="info" showIcon title={t('list.isGuarded')} /> : null}
        <Card size="small">
          <Descriptions
            size="small"
            column={{ xs: 1, md: 2 }}
            items={[
              {
                key: 'size',
                label: t('list.size'),
                children: <span data-testid="list-size">{formatCount(data.entries, language)}</span>,
              },
              { key: 'version', label: t('segment.version'), children: staticList.latestVersion || '–' },
              { key: 'users', label: t('list.usedBy'), children: <UsedBy segments={segments} schemes={schemes} /> },
              {
                key: 'rule',
                label: t('list.inRules'),
                children: <Typography.Text code copyable>{`list.has("${id}")`}</Typography.Text>,
              },
            ]}
          />
        </Card>
        <Tabs
          destroyOnHidden
          activeKey={parameters.get('tab') ?? (may('listMembers') ? 'entries' : 'uploads')}
          onChange={(tab) => setParameters({ tab }, { replace: true })}
          items={[
            ...(may('listMembers')
              ? [{ key: 'entries', label: t('list.entries'), children: <Entries id={id} /> }]
              : []),
            { key: 'uploads', label: t('list.uploads'), children: <Uploads id={id} /> },
          ]}
        />
      </Flex>
      {sends ? (
        <NewUpload
          list={id}
          onClose={() => setSends(false)}
          onSent={(name) => void navigate(`/segmentation/lists/${id}/uploads/${name.split('/').at(-1)}`)}
        />
      ) : null}
    </>
  );
}
