import { DatePicker, Flex } from 'antd';
import dayjs from 'dayjs';
import { useWords } from '../../shared/words.js';

interface PickerProps {
  /** `1994-03-31`, or empty for today. */
  value: string;
  onChange: (value: string) => void;
}

/** The day at which the rule is looked at; none means every day anew. */
export function AsOfPicker({ value, onChange }: PickerProps) {
  const { t } = useWords();
  return (
    <Flex component="label" align="center" gap={8}>
      {t('segment.asOf')}
      <DatePicker
        aria-label={t('segment.asOf')}
        value={value ? dayjs(value) : null}
        placeholder={t('segment.today')}
        onChange={(day) => onChange(day?.format('YYYY-MM-DD') ?? '')}
      />
    </Flex>
  );
}
