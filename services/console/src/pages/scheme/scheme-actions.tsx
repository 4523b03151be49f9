import { Button } from 'antd';
import { moveScheme, rejectScheme, type SchemeVersion } from '../../api/schemes.js';
import { AskedButton } from '../../shared/asked-button.js';
import { RejectButton } from '../../shared/reject-button.js';
import { useSession } from '../../shared/session-context.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { isFitted } from './plans.js';

/** What may be done with a version of a scheme, by its state and by who is at work. */
export function SchemeActions({ id, kind, version }: { id: string; kind: string; version: SchemeVersion }) {
  const { t } = useWords();
  const { may, subject } = useSession();
  const reload = [['scheme', id], ['schemes'], ['scheme-runs', id], ['segments']];
  const move = useWrite(moveScheme, { done: t('scheme.moved'), reload });
  const reject = useWrite(rejectScheme, { done: t('segment.rejected'), reload });
  const { state, name, createdBy, model } = version;
  const draft = state === 'SEGMENT_STATE_DRAFT';
  const approved = state === 'SEGMENT_STATE_APPROVED';
  const published = state === 'SEGMENT_STATE_PUBLISHED';
  const edits = may('editSegments');
  const decides = may('approveSegments') && createdBy !== subject;
  const fits = isFitted(kind) && draft;
  const button = (step: 'approve' | 'publish' | 'retire', word: string, question: string) => (
    <AskedButton
      word={word}
      question={question}
      loud={step !== 'retire'}
      danger={step === 'retire'}
      loading={move.isPending}
      onYes={() => move.mutate({ version: name, step })}
    />
  );
  return (
    <>
      {edits && fits ? (
        <Button
          type={model ? 'default' : 'primary'}
          loading={move.isPending}
          onClick={() => move.mutate({ version: name, step: 'fit' })}
        >
          {model ? t('scheme.fitAgain') : t('scheme.fit')}
        </Button>
      ) : null}
      {decides && (draft || approved) ? (
        <RejectButton
          loading={reject.isPending}
          onReject={(reason, done) => reject.mutate({ version: name, reason }, { onSuccess: done })}
        />
      ) : null}
      {decides && draft && (!fits || model)
        ? button('approve', t('segment.approve'), t('segment.approveQuestion'))
        : null}
      {edits && approved ? button('publish', t('segment.publish'), t('scheme.publishQuestion')) : null}
      {edits && published ? (
        <>
          {kind === 'SCHEME_KIND_PARTITION' ? null : (
            <Button loading={move.isPending} onClick={() => move.mutate({ version: name, step: 'assign' })}>
              {t('scheme.assign')}
            </Button>
          )}
          {button('retire', t('segment.retire'), t('scheme.retireQuestion'))}
        </>
      ) : null}
    </>
  );
}
