import { Segmented } from 'antd';
import { type Language, switchLanguage } from '../i18n/index.js';
import { useWords } from '../shared/words.js';

/** English or Chinese; each language is named in itself. */
export function LanguageSwitch() {
  const { t, language } = useWords();
  return (
    <Segmented<Language>
      size="small"
      aria-label={t('app.language')}
      value={language}
      options={[
        { value: 'en', label: t('app.english') },
        { value: 'zh', label: t('app.chinese') },
      ]}
      onChange={(value) => void switchLanguage(value)}
    />
  );
}
