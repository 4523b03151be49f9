import { Button, Result } from 'antd';
import { Link, Navigate, useRouteError } from 'react-router';
import { PageHead } from '../shared/show.js';
import { useSession } from '../shared/session-context.js';
import { useWords } from '../shared/words.js';
import { places } from './places.js';

/** The front door leads to the first page that the person's role has. */
export function HomePage() {
  const { may } = useSession();
  const place = places.find(({ ability }) => may(ability));
  return place ? <Navigate to={place.path} replace /> : <NotFoundPage />;
}

export function NotFoundPage() {
  const { t } = useWords();
  return (
    <>
      <PageHead title={t('notFound.title')} />
      <Result
        status="404"
        subTitle={t('notFound.advice')}
        extra={
          <Link to="/">
            <Button type="primary">{t('notFound.home')}</Button>
          </Link>
        }
      />
    </>
  );
}

/** A page that broke or whose file is gone after an upgrade: the rest of the frame stays usable. */
export function PageFailed() {
  const { t } = useWords();
  const error = useRouteError();
  return (
    <Result
      status="error"
      title={t('failure.unexpected')}
      subTitle={error instanceof Error ? error.message : t('failure.unexpectedAdvice')}
      extra={
        <Button type="primary" onClick={() => window.location.reload()}>
          {t('failure.reload')}
        </Button>
      }
    />
  );
}
