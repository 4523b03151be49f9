import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { App, ConfigProvider, Spin } from 'antd';
import enGB from 'antd/locale/en_GB';
import zhCN from 'antd/locale/zh_CN';
import dayjs from 'dayjs';
import 'dayjs/locale/zh-cn';
import 'dayjs/locale/en-gb';
import { useEffect } from 'react';
import { createBrowserRouter, RouterProvider } from 'react-router';
import { goToSignIn, Problem } from '../api/client.js';
import { readSession } from '../api/session.js';
import { adoptLanguage } from '../i18n/index.js';
import { Failed } from '../shared/failed.js';
import { SessionProvider } from '../shared/session-context.js';
import { useWords } from '../shared/words.js';
import { routes } from './routes.js';
import { SignInPage } from './sign-in-page.js';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      // A refusal stays one; a service that is away may be back.
      retry: (count, error) => count < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
    },
  },
});

let router: ReturnType<typeof createBrowserRouter> | undefined;

/** The pages for the person who is signed in; else the way to the sign-in. */
function SignedIn() {
  const { t } = useWords();
  const { data, error, refetch } = useQuery({ queryKey: ['session'], queryFn: readSession, staleTime: Infinity });
  useEffect(() => {
    if (data) void adoptLanguage(data.language);
  }, [data]);
  if (error instanceof Problem && error.status === 401) {
    // Who followed a link to a page goes there by way of the sign-in; who comes to the front door is greeted.
    const { pathname, search } = window.location;
    if (pathname === '/' || pathname === '/sign-in') return <SignInPage />;
    goToSignIn(`${pathname}${search}`);
    return null;
  }
  if (error) {
    return (
      <main style={{ padding: 24 }}>
        <Failed error={error} retry={() => void refetch()} />
      </main>
    );
  }
  if (!data) return <Spin size="large" description={t('common.loading')} fullscreen />;
  router ??= createBrowserRouter(routes);
  return (
    <SessionProvider value={data}>
      <RouterProvider router={router} />
    </SessionProvider>
  );
}

const theme = {
  token: {
    colorPrimary: '#0f766e',
    colorPrimaryBg: '#e0f0ee',
    colorLink: '#0f6b64',
    controlItemBgActive: '#e0f0ee',
    borderRadius: 6,
    fontSize: 14,
  },
  components: {
    Layout: { siderBg: '#ffffff', headerBg: '#ffffff', bodyBg: '#f5f7f7' },
    Progress: { defaultColor: '#0f766e' },
    Menu: { itemSelectedBg: '#e0f0ee', itemSelectedColor: '#0f5e5a', activeBarBorderWidth: 0 },
  },
};

/** The whole application. */
export function Console() {
  const { language } = useWords();
  dayjs.locale(language === 'zh' ? 'zh-cn' : 'en-gb');
  return (
    <ConfigProvider locale={language === 'zh' ? zhCN : enGB} theme={theme} button={{ autoInsertSpace: false }}>
      <App style={{ height: '100%' }}>
        <QueryClientProvider client={queries}>
          <SignedIn />
        </QueryClientProvider>
      </App>
    </ConfigProvider>
  );
}
