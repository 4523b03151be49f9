import { escapeHtml, page } from '../page/page.js';
import type { Language } from '../session/session.js';

const texts = {
  en: {
    title: 'Sign in to Rapport',
    username: 'User name',
    password: 'Password',
    submit: 'Sign in',
    failed: 'The user name or the password is wrong.',
  },
  zh: {
    title: '登录 Rapport',
    username: '用户名',
    password: '密码',
    submit: '登录',
    failed: '用户名或密码不正确。',
  },
} satisfies Record<Language, Record<string, string>>;

/** The page of the embedded provider that asks for user name and password. */
export function loginPage(options: { language: Language; action: string; failed: boolean }): string {
  const text = texts[options.language];
  const alert = options.failed ? `<p role="alert" id="failed">${text.failed}</p>` : '';
  const described = options.failed ? ' aria-invalid="true" aria-describedby="failed"' : '';
  return page(
    options.language,
    text.title,
    `${alert}
<form method="post" action="${escapeHtml(options.action)}">
<label for="username">${text.username}</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus${described}>
<label for="password">${text.password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${described}>
<button type="submit">${text.submit}</button>
</form>`,
  );
}
