import {
  AuditOutlined,
  BarChartOutlined,
  ContactsOutlined,
  DatabaseOutlined,
  FileProtectOutlined,
  ImportOutlined,
  LockOutlined,
  MergeCellsOutlined,
  NotificationOutlined,
  PieChartOutlined,
  SafetyCertificateOutlined,
  TrophyOutlined,
} from '@ant-design/icons';
import { Button, Dropdown, Flex, Layout, Menu, Modal, Spin, Tag, Typography } from 'antd';
import { Suspense, useCallback, useEffect, useRef, useState } from 'react';
import { Link, Outlet, useLocation, useNavigation } from 'react-router';
import { signOut } from '../api/session.js';
import { useShowFailure } from '../shared/failed.js';
import { useSession } from '../shared/session-context.js';
import { useWords } from '../shared/words.js';
import { useKeyboard } from './keyboard.js';
import { LanguageSwitch } from './language-switch.js';
import { places } from './places.js';

const icons: Record<string, React.ReactNode> = {
  '/parties': <ContactsOutlined />,
  '/segments': <PieChartOutlined />,
  '/campaigns': <NotificationOutlined />,
  '/cases': <AuditOutlined />,
  '/matches': <MergeCellsOutlined />,
  '/quality': <SafetyCertificateOutlined />,
  '/imports': <ImportOutlined />,
  '/sources': <DatabaseOutlined />,
  '/requests': <LockOutlined />,
  '/ranking': <TrophyOutlined />,
  '/dashboard': <BarChartOutlined />,
  '/audit': <FileProtectOutlined />,
};

/** Menu, head and foot around every page. */
export function Frame() {
  const { t, code } = useWords();
  const { name, roles, organisationPath, may } = useSession();
  const { pathname } = useLocation();
  const { state } = useNavigation();
  const showFailure = useShowFailure();
  const [helps, setHelps] = useState(false);
  const showHelp = useCallback(() => setHelps(true), []);
  useKeyboard(showHelp);
  const current = places.find(({ path, also }) => pathname.startsWith(path) || (also && pathname.startsWith(also)));
  const visible = places.filter(({ ability }) => may(ability));
  const title = current ? `${t(current.word)} · ${t('app.name')}` : t('app.name');
  useEffect(() => {
    document.title = title;
  }, [title]);
  // A screen reader begins at the head of the new page, and the keyboard below the menu.
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
    first.current = false;
  }, [pathname]);
  const leave = (): void => {
    signOut().catch(showFailure);
  };
  return (
    <Layout style={{ minHeight: '100%' }}>
      <a className="skip-link" href="#content">
        {t('app.skip')}
      </a>
      <Layout.Sider
        breakpoint="lg"
        collapsedWidth={56}
        width={208}
        theme="light"
        style={{ borderInlineEnd: '1px solid #e5eaea' }}
      >
        <Flex align="center" gap={10} style={{ padding: '14px 12px', overflow: 'hidden' }}>
          <img src="/icon.svg" alt="" width={32} height={32} />
          <Typography.Text strong style={{ fontSize: 18 }}>
            {t('app.name')}
          </Typography.Text>
        </Flex>
        <Menu
          mode="inline"
          selectedKeys={current ? [current.path] : []}
          items={visible.map(({ path, word }) => ({
            key: path,
            icon: icons[path],
            label: <Link to={path}>{t(word)}</Link>,
          }))}
        />
      </Layout.Sider>
      <Layout>
        <Layout.Header
          style={{ padding: '0 24px', borderBottom: '1px solid #e5eaea', height: 56, lineHeight: 'normal' }}
        >
          <Flex align="center" justify="flex-end" gap={16} style={{ height: '100%' }}>
            {state === 'loading' ? <Spin size="small" /> : null}
            <Button type="text" size="small" onClick={showHelp}>
              {t('app.keys')}
            </Button>
            <LanguageSwitch />
            <Tag style={{ marginInlineEnd: 0 }}>{organisationPath}</Tag>
            <Dropdown
              trigger={['click']}
              menu={{
                items: [
                  { key: 'roles', label: roles.map(code).join(', '), disabled: true },
                  { type: 'divider' },
                  { key: 'leave', label: t('app.signOut'), onClick: leave },
                ],
              }}
            >
              <Button>{name}</Button>
            </Dropdown>
          </Flex>
        </Layout.Header>
        <Layout.Content id="content" tabIndex={-1} style={{ padding: 24, outline: 'none' }}>
          <Suspense fallback={<Spin description={t('common.loading')} />}>
            <Outlet />
          </Suspense>
        </Layout.Content>
      </Layout>
      <Modal open={helps} title={t('app.keys')} footer={null} onCancel={() => setHelps(false)}>
        <Flex vertical gap={8}>
          <span>
            <kbd>/</kbd> {t('app.keySearch')}
          </span>
          {visible.map(({ key, word }) => (
            <span key={key}>
              <kbd>g</kbd> <kbd>{key}</kbd> {t(word)}
            </span>
          ))}
          <span>
            <kbd>?</kbd> {t('app.keys')}
          </span>
        </Flex>
      </Modal>
    </Layout>
  );
}
