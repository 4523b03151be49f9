import { Button, Popconfirm } from 'antd';
import { useWords } from './words.js';

interface Props {
  word: string;
  question: string;
  loading: boolean;
  loud?: boolean;
  danger?: boolean;
  onYes: () => void;
}

/** A button that asks before it acts. */
export function AskedButton({ word, question, loading, loud = false, danger = false, onYes }: Props) {
  const { t } = useWords();
  return (
    <Popconfirm title={question} okText={t('common.yes')} cancelText={t('common.no')} onConfirm={onYes}>
      <Button type={loud ? 'primary' : 'default'} danger={danger} loading={loading}>
        {word}
      </Button>
    </Popconfirm>
  );
}
