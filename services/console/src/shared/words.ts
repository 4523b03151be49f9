import { useTranslation } from 'react-i18next';

/** Translation, the language, and names for the enum values and codes of the contract. */
export function useWords() {
  const { t, i18n } = useTranslation();
  const language: 'en' | 'zh' = i18n.language === 'zh' ? 'zh' : 'en';
  /** The word for an enum value; a value that this console does not know yet is shown as it is. */
  const label = (value: string): string => (i18n.exists(`enums.${value}`) ? t(`enums.${value}`) : value);
  /** The word for a code that banks choose themselves, such as a purpose. */
  const code = (value: string): string => {
    // A dot would mean a step down in the words.
    const key = `codes.${value.replaceAll('.', '_')}`;
    return value && i18n.exists(key) ? t(key) : value;
  };
  return { t, language, label, code };
}
