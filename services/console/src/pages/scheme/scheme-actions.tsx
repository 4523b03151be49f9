import { Button, Input, Modal, Popconfirm } from 'antd';
import { useState } from 'react';
import { moveScheme, rejectScheme, type SchemeVersion } from '../../api/schemes.js';
import { useSession } from '../../shared/session-context.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { isFitted } from './plans.js';

/** What may be done with a version of a scheme, by its state and by who is at work. */
export function SchemeActions({ id, kind, version }: { id: string; kind: string; version: SchemeVersion }) {
  const { t } = useWords();
  const { may, subject } = useSession();
  const [reason, setReason] = useState<string | undefined>();
  const reload = [['scheme', id], ['schemes'], ['scheme-runs', id], ['segments']];
  const move = useWrite(moveScheme, { done: t('scheme.moved'), reload });
  const reject = useWrite(rejectScheme, { done: t('segment.rejected'), reload, after: () => setReason(undefined) });
  const { state, name, createdBy, model } = version;
  const draft = state === 'SEGMENT_STATE_DRAFT';
  const approved = state === 'SEGMENT_STATE_APPROVED';
  const published = state === 'SEGMENT_STATE_PUBLISHED';
  const edits = may('editSegments');
  const decides = may('approveSegments') && createdBy !== subject;
  const fits = isFitted(kind) && draft;
  const button = (step: 'approve' | 'publish' | 'retire', word: string, question: string) => (
    <Popconfirm
      title={question}
      okText={t('common.yes')}
      cancelText={t('common.no')}
      onConfirm={() => move.mutate({ version: name, step })}
    >
      <Button type={step === 'retire' ? 'default' : 'primary'} danger={step === 'retire'} loading={move.isPending}>
        {word}
      </Button>
    </Popconfirm>
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
      {decides && (draft || approved) ? <Button onClick={() => setReason('')}>{t('segment.reject')}</Button> : null}
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
      <Modal
        open={reason !== undefined}
        title={t('segment.reject')}
        okText={t('segment.reject')}
        cancelText={t('common.cancel')}
        okButtonProps={{ disabled: !reason?.trim(), loading: reject.isPending }}
        onOk={() => reject.mutate({ version: name, reason: reason?.trim() ?? '' })}
        onCancel={() => setReason(undefined)}
      >
        <Input.TextArea
          autoFocus
          rows={4}
          maxLength={500}
          showCount
          value={reason ?? ''}
          aria-label={t('segment.rejectReason')}
          placeholder={t('segment.rejectReason')}
          onChange={(event) => setReason(event.target.value)}
        />
      </Modal>
    </>
  );
}
