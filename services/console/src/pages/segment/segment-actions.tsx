import { Button } from 'antd';
import { rejectSegmentVersion, retireSegmentVersion } from '../../api/segment-life.js';
import { approveSegmentVersion, evaluateSegment, publishSegment, type SegmentVersion } from '../../api/segmentation.js';
import { AskedButton } from '../../shared/asked-button.js';
import { RejectButton } from '../../shared/reject-button.js';
import { useSession } from '../../shared/session-context.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

/** What may be done with a version, by its state and by who is at work. */
export function SegmentActions({ id, version }: { id: string; version: SegmentVersion }) {
  const { t } = useWords();
  const { may, subject } = useSession();
  const reload = [['segment', id], ['segments'], ['members'], ['segment-versions', id], ['segment-history', id]];
  const approve = useWrite(approveSegmentVersion, { done: t('segment.approved'), reload });
  const publish = useWrite(publishSegment, { done: t('segment.published'), reload });
  const evaluate = useWrite(evaluateSegment, { done: t('segment.evaluated'), reload });
  const retire = useWrite(retireSegmentVersion, { done: t('segment.retired'), reload });
  const reject = useWrite(rejectSegmentVersion, { done: t('segment.rejected'), reload });
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
        <RejectButton
          loading={reject.isPending}
          onReject={(reason, done) => reject.mutate({ version: name, reason }, { onSuccess: done })}
        />
      ) : null}
      {decides && draft ? (
        <AskedButton
          loud
          word={t('segment.approve')}
          question={t('segment.approveQuestion')}
          loading={approve.isPending}
          onYes={() => approve.mutate(name)}
        />
      ) : null}
      {may('editSegments') && (approved || published || draft) ? (
        <AskedButton
          danger
          word={t('segment.retire')}
          question={published ? t('segment.retireQuestion') : t('segment.dropQuestion')}
          loading={retire.isPending}
          onYes={() => retire.mutate(name)}
        />
      ) : null}
      {may('editSegments') && approved ? (
        <AskedButton
          loud
          word={t('segment.publish')}
          question={t('segment.publishQuestion')}
          loading={publish.isPending}
          onYes={() => publish.mutate(name)}
        />
      ) : null}
    </>
  );
}
