import { Button, Input, Modal } from 'antd';
import { useState } from 'react';
import { useWords } from './words.js';

interface Props {
  loading: boolean;
  /** Sends the work back with the reason, which is never empty; calls `done` once that has happened. */
  onReject: (reason: string, done: () => void) => void;
}

/** Sends somebody's work back, with the reason why. */
export function RejectButton({ loading, onReject }: Props) {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const done = () => {
    setOpen(false);
    setReason('');
  };
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t('segment.reject')}</Button>
      <Modal
        open={open}
        title={t('segment.reject')}
        okText={t('segment.reject')}
        cancelText={t('common.cancel')}
        okButtonProps={{ disabled: reason.trim() === '', loading }}
        onOk={() => onReject(reason.trim(), done)}
        onCancel={() => setOpen(false)}
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
