import { Alert, App, Button } from 'antd';
import { Problem } from '../api/client.js';
import { refusals, wrongInChinese } from '../i18n/refusals.zh.js';
import { useWords } from './words.js';

/** What to say about an error: what happened, and what to do now. */
export function useExplain(): (error: unknown) => { title: string; advice: string } {
  const { t, language } = useWords();
  return (error) => {
    if (!(error instanceof Problem)) return { title: t('failure.unexpected'), advice: t('failure.unexpectedAdvice') };
    if (error.status === 0) return { title: t('failure.offline'), advice: t('failure.offlineAdvice') };
    const known = new Set([400, 403, 404, 409, 429, 503, 504]);
    const kind = known.has(error.status) ? String(error.status) : '500';
    const wrong = language === 'zh' ? wrongInChinese : (description: string) => description;
    const fields = error.violations.map(({ field, description }) => `${field}: ${wrong(description)}`).join('; ');
    // The services say their details in English, and why they refuse as a code that Chinese has a sentence for.
    const detail = fields || (language === 'zh' ? (refusals[error.reason] ?? error.message) : error.message);
    const trace = kind === '500' && error.instance ? ` ${t('failure.reference', { id: error.instance })}` : '';
    const said = kind === '400' && detail && (language === 'en' || (!fields && error.reason in refusals));
    const title = said ? detail : t(`failure.status${kind}`);
    const advice = [title === detail ? '' : detail, t(`failure.advice${kind}`)].filter(Boolean).join(' · ');
    return { title, advice: `${advice}${trace}` };
  };
}

/** An error in the place of what could not be loaded. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useWords();
  const { title, advice } = useExplain()(error);
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      title={title}
      description={advice}
      action={
        retry ? (
          <Button size="small" onClick={retry}>
            {t('failure.retry')}
          </Button>
        ) : undefined
      }
    />
  );
}

/** Shows an error of something that was done, beside the page. */
export function useShowFailure(): (error: unknown) => void {
  const { notification } = App.useApp();
  const explain = useExplain();
  return (error) => {
    const { title, advice } = explain(error);
    notification.error({ title, description: advice, placement: 'topRight', duration: 8 });
  };
}
