import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Card, Descriptions, Empty, Flex, Progress, Skeleton, Statistic, Table } from 'antd';
import { Link, useParams } from 'react-router';
import {
  type Difference,
  getUpload,
  type ListUpload,
  listRejects,
  moveUpload,
  rejectsAddress,
  rejectUpload,
  type UploadStep,
} from '../../api/lists.js';
import { AskedButton } from '../../shared/asked-button.js';
import { Failed } from '../../shared/failed.js';
import { formatCount } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { RejectButton } from '../../shared/reject-button.js';
import { useSession } from '../../shared/session-context.js';
import { Day, PageHead, StaffName, State, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

/** What may be done with an upload, by where it stands and by who is at work. */
function UploadActions({ id, upload }: { id: string; upload: ListUpload }) {
  const { t } = useWords();
  const { may, subject } = useSession();
  const { name, state, createdBy } = upload;
  const reload = [
    ['list-upload', name],
    ['list', id],
    ['list-uploads', id],
    ['list-entries', id],
  ];
  const move = useWrite(moveUpload, { done: t('list.moved'), reload });
  const reject = useWrite(rejectUpload, { done: t('list.sentBack'), reload });
  const edits = may('editSegments');
  const checked = state === 'LIST_UPLOAD_STATE_CHECKED';
  const waits = state === 'LIST_UPLOAD_STATE_WAITING';
  const decides = waits && may('approveSegments') && createdBy !== subject;
  const button = (step: UploadStep, word: string, question: string, primary = true) => (
    <AskedButton
      word={word}
      question={question}
      loud={primary}
      danger={!primary}
      loading={move.isPending}
      onYes={() => move.mutate({ name, step })}
    />
  );
  return (
    <>
      {edits && (checked || waits || state === 'LIST_UPLOAD_STATE_RECEIVING')
        ? button('cancel', t('list.cancel'), t('list.cancelQuestion'), false)
        : null}
      {(edits || decides) && (checked || waits) ? (
        <Button loading={move.isPending} onClick={() => move.mutate({ name, step: 'check' })}>
          {t('list.checkAgain')}
        </Button>
      ) : null}
      {edits && checked ? button('apply', t('list.apply'), t('list.applyQuestion')) : null}
      {decides ? (
        <RejectButton
          loading={reject.isPending}
          onReject={(reason, done) => reject.mutate({ name, reason }, { onSuccess: done })}
        />
      ) : null}
      {decides ? button('approve', t('segment.approve'), t('list.approveQuestion')) : null}
    </>
  );
}

/** What changes on the list, in numbers. */
function Changes({ title, of }: { title: string; of: Difference }) {
  const { t, language } = useWords();
  return (
    <Card size="small" title={title} data-testid="list-difference">
      <Flex gap={32} wrap>
        {(['added', 'updated', 'unchanged', 'removed', 'absent'] as const).map((key) => (
          <Statistic key={key} title={t(`list.${key}`)} value={formatCount(of[key], language)} />
        ))}
      </Flex>
    </Card>
  );
}

/** The rows that were not taken, with all of them as a file. */
function Rejects({ upload: { name, rejected } }: { upload: ListUpload }) {
  const { t, label, language } = useWords();
  const { data, error, isFetching, refetch, page, back, forward } = usePages(
    ['list-rejects', name, rejected],
    (token, signal) => listRejects(name, token, signal),
  );
  return (
    <Card
      size="small"
      title={t('list.rejects', { total: formatCount(rejected, language) })}
      data-testid="list-rejects"
      extra={
        rejected === '0' ? null : (
          <Button size="small" href={rejectsAddress(name)} download>
            {t('list.download')}
          </Button>
        )
      }
    >
      {error ? (
        <Failed error={error} retry={() => void refetch()} />
      ) : (
        <Table
          size="small"
          rowKey={({ line, value }) => `${line} ${value}`}
          loading={isFetching}
          dataSource={data?.rejects ?? []}
          pagination={false}
          scroll={{ x: 'max-content' }}
          locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('list.noRejects')} /> }}
          columns={[
            { title: t('list.line'), dataIndex: 'line', width: 90 },
            { title: t('list.field'), dataIndex: 'field' },
            { title: t('list.value'), dataIndex: 'value' },
            { title: t('list.reason'), render: (_, { reason }) => label(reason) },
          ]}
        />
      )}
      <Pager page={page} back={back} forward={forward} />
    </Card>
  );
}

/** One upload: how far it is, what it changes, what was not taken. */
export function UploadPage() {
  const { t, label, language } = useWords();
  const { may } = useSession();
  const { list: id = '', upload: uploadId = '' } = useParams();
  const name = `staticLists/${encodeURIComponent(id)}/uploads/${encodeURIComponent(uploadId)}`;
  const { data, error, refetch } = useQuery({
    queryKey: ['list-upload', name],
    queryFn: ({ signal }) => getUpload(name, signal),
    refetchInterval: ({ state }) => {
      const stands = state.data?.upload.state;
      return stands === 'LIST_UPLOAD_STATE_APPLYING' || stands === 'LIST_UPLOAD_STATE_RECEIVING' ? 1000 : false;
    },
  });
  if (error && !data) {
    return (
      <>
        <PageHead title={t('list.upload')} />
        <Failed error={error} retry={() => void refetch()} />
      </>
    );
  }
  if (!data) return <Skeleton active paragraph={{ rows: 8 }} />;
  const { upload } = data;
  const { state, applied, difference, accepted } = upload;
  const changed = Number(applied?.added ?? 0) + Number(applied?.updated ?? 0) + Number(applied?.unchanged ?? 0);
  const share = Number(accepted) > 0 ? Math.min(99, Math.floor((100 * changed) / Number(accepted))) : 0;
  return (
    <>
      <PageHead
        title={
          <>
            {upload.fileName} <State value={state} />
          </>
        }
        note={<Link to={`/segmentation/lists/${id}?tab=uploads`}>{t('list.back', { id })}</Link>}
      >
        <UploadActions id={id} upload={upload} />
      </PageHead>
      <Flex vertical gap={16}>
        {state === 'LIST_UPLOAD_STATE_CHECKED' ? <Alert type="info" showIcon title={t('list.checkedNote')} /> : null}
        {state === 'LIST_UPLOAD_STATE_WAITING' ? <Alert type="warning" showIcon title={t('list.waitsNote')} /> : null}
        {state === 'LIST_UPLOAD_STATE_RECEIVING' ? (
          <Alert type="info" showIcon title={t('list.receivingNote')} />
        ) : null}
        {state === 'LIST_UPLOAD_STATE_REJECTED' ? (
          <Alert type="warning" showIcon title={t('segment.sentBack')} description={upload.rejectReason} />
        ) : null}
        {state === 'LIST_UPLOAD_STATE_APPLYING' ? <Progress percent={share} status="active" /> : null}
        <Card size="small">
          <Descriptions
            size="small"
            column={{ xs: 1, md: 3 }}
            items={[
              { key: 'mode', label: t('list.mode'), children: label(upload.mode) },
              { key: 'version', label: t('segment.version'), children: upload.version || '–' },
              { key: 'day', label: t('list.applyDate'), children: <Day date={upload.applyDate} /> },
              { key: 'rows', label: t('list.rows'), children: formatCount(upload.receivedRows, language) },
              { key: 'accepted', label: t('list.accepted'), children: formatCount(accepted, language) },
              { key: 'rejected', label: t('list.rejected'), children: formatCount(upload.rejected, language) },
              { key: 'by', label: t('segment.author'), children: <StaffName name={upload.createdBy} /> },
              {
                key: 'approver',
                label: t('segment.approver'),
                children: upload.approvedBy ? <StaffName name={upload.approvedBy} /> : '–',
              },
              { key: 'end', label: t('list.ended'), children: <When time={upload.completeTime} /> },
            ]}
          />
        </Card>
        {applied ? <Changes title={t('list.changed')} of={applied} /> : null}
        {!applied && difference ? <Changes title={t('list.wouldChange')} of={difference} /> : null}
        {may('listMembers') ? <Rejects upload={upload} /> : null}
      </Flex>
    </>
  );
}
