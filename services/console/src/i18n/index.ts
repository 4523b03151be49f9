import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { en } from './en.js';
import { zh } from './zh.js';

export type Language = 'en' | 'zh';

const key = 'rapport.language';

function remembered(): Language | undefined {
  try {
    const value = localStorage.getItem(key);
    return value === 'en' || value === 'zh' ? value : undefined;
  } catch {
    // Storage can be forbidden by the browser; the choice then lasts as long as the page.
    return undefined;
  }
}

const preferred = (): Language => (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en');

/** Starts with the remembered language, else the browser's. */
export async function startLanguages(): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: { en: { translation: en }, zh: { translation: zh } },
    lng: remembered() ?? preferred(),
    fallbackLng: 'en',
    interpolation: { escapeValue: false },
    showSupportNotice: false,
  } as Parameters<typeof i18next.init>[0]);
  document.documentElement.lang = i18next.language === 'zh' ? 'zh-CN' : 'en';
}

export function currentLanguage(): Language {
  return i18next.language === 'zh' ? 'zh' : 'en';
}

/** Switches the page to a language and remembers it on this machine. */
export async function switchLanguage(language: Language): Promise<void> {
  await i18next.changeLanguage(language);
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  try {
    localStorage.setItem(key, language);
  } catch {
    // As above.
  }
}

/** Takes over the language of the person who signed in, unless one was chosen on this machine. */
export async function adoptLanguage(language: string): Promise<void> {
  const wanted: Language = language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  if (!remembered() && wanted !== currentLanguage()) {
    await i18next.changeLanguage(wanted);
    document.documentElement.lang = wanted === 'zh' ? 'zh-CN' : 'en';
  }
}
