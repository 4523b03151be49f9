import { Button, Input, Modal, Popconfirm } from 'antd';
import { useState } from 'react';
import { rejectSegmentVersion, retireSegmentVersion } from '../../api/segment-life.js';
import { approveSegmentVersion, evaluateSegment, publishSegment, type SegmentVersion } from '../../api/segmentation.js';
import { useSession } from '../../shared/session-context.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

interface AskedProps {
  word: string;
  question: string;
  loading: boolean;
  loud?: boolean;
  danger?: boolean;
  onYes: () => void;
}

/** A button that asks before it acts. */
function Asked({ word, question, loading, loud = false, danger = false, onYes }: AskedProps) {
  const { t } = useWords();
  return (
    <Popconfirm title={question} okText={t('common.yes')} cancelText={t('common.no')} onConfirm={onYes}>
      <Button type={loud ? 'primary' : 'default'} danger={danger} loading={loading}>
        {word}
      </Button>
    </Popconfirm>
  );
}

/** What may be done with a version, by its state and by who is at work. */
export function SegmentActions({ id, version }: { id: string; version: SegmentVersion }) {
  const { t } = useWords();
  const { may, subject } = useSession();
  const [rejecting, setRejecting] = useState(false);
  const [reason, setReason] = useState('');
  const reload = [['segment', id], ['segments'], ['members'], ['segment-versions', id], ['segment-history', id]];
  const approve = useWrite(approveSegmentVersion, { done: t('segment.approved'), reload });
  const publish = useWrite(publishSegment, { done: t('segment.published'), reload });
  const evaluate = useWrite(evaluateSegment, { done: t('segment.evaluated'), reload });
  const retire = useWrite(retireSegmentVersion, { done: t('segment.retired'), reload });
  const reject = useWrite(rejectSegmentVersion, {
    done: t('segment.rejected'),
    reload,
    after: () => {
      setRejecting(false);
      setReason('');
    },
  });
  const { state, name, createdBy } = version;
  const draft = state === 'SEGMENT_STATE_DRAFT';
  const approved = state === 'SEGMENT_STATE_APPROVED';
  const published = state === 'SEGMENT_STATE_PUBLISHED';
  const decides = may('approveSegments') && createdBy !== subject;
  return (
    <>
      {may('editSegments') && published ? (
        <Button loading={evaluate.isPending} onClick={() => evaluate.mutate(name)}>
          {t('segment.evaluate')}
        </Button>
      ) : null}
      {decides && (draft || approved) ? (
        <Button onClick={() => setRejecting(true)}>{t('segment.reject')}</Button>
      ) : null}
      {decides && draft ? (
        <Asked
          loud
          word={t('segment.approve')}
          question={t('segment.approveQuestion')}
          loading={approve.isPending}
          onYes={() => approve.mutate(name)}
        />
      ) : null}
      {may('editSegments') && (approved || published || draft) ? (
        <Asked
          danger
          word={t('segment.retire')}
          question={published ? t('segment.retireQuestion') : t('segment.dropQuestion')}
          loading={retire.isPending}
          onYes={() => retire.mutate(name)}
        />
      ) : null}
      {may('editSegments') && approved ? (
        <Asked
          loud
          word={t('segment.publish')}
          question={t('segment.publishQuestion')}
          loading={publish.isPending}
          onYes={() => publish.mutate(name)}
        />
      ) : null}
      <Modal
        open={rejecting}
        title={t('segment.reject')}
        okText={t('segment.reject')}
        cancelText={t('common.cancel')}
        okButtonProps={{ disabled: reason.trim() === '', loading: reject.isPending }}
        onOk={() => reject.mutate({ version: name, reason: reason.trim() })}
        onCancel={() => setRejecting(false)}
      >
        <Input.TextArea
          autoFocus
          rows={4}
          maxLength={500}
          showCount
          value={reason}
          aria-label={t('segment.rejectReason')}
          placeholder={t('segment.rejectReason')}
          onChange={(event) => setReason(event.target.value)}
        />
      </Modal>
    </>
  );
}
