import { Button, Card, Flex, Typography } from 'antd';
import { goToSignIn } from '../api/client.js';
import { useWords } from '../shared/words.js';
import { LanguageSwitch } from './language-switch.js';

/** What somebody sees who is not signed in. The password is asked for by the bank's own sign-in, not here. */
export function SignInPage() {
  const { t } = useWords();
  return (
    <Flex component="main" align="center" justify="center" style={{ minHeight: '100%', padding: 16 }}>
      <Card style={{ width: 420, maxWidth: '100%' }}>
        <Flex vertical gap={20}>
          <Flex justify="space-between" align="center">
            <Flex align="center" gap={12}>
              <img src="/icon.svg" alt="" width={40} height={40} />
              <Typography.Title level={1} style={{ margin: 0, fontSize: 26 }}>
                {t('app.name')}
              </Typography.Title>
            </Flex>
            <LanguageSwitch />
          </Flex>
          <Typography.Paragraph style={{ margin: 0 }}>{t('signIn.welcome')}</Typography.Paragraph>
          <Button type="primary" size="large" autoFocus block onClick={() => goToSignIn('/')}>
            {t('signIn.button')}
          </Button>
          <Typography.Text type="secondary">{t('signIn.note')}</Typography.Text>
        </Flex>
      </Card>
    </Flex>
  );
}
