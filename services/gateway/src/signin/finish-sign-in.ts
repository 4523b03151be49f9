import type { Request, RequestHandler, Response } from 'express';
import type { Deps } from '../deps.js';
import { fail, type Reason, Refusal } from '../errors.js';
import { escapeHtml, languageOf, page } from '../page/page.js';
import type { Language } from '../session/session.js';

const title: Record<Language, string> = {
  en: 'Sign-in did not succeed',
  zh: '登录未成功',
};
const again: Record<Language, string> = { en: 'Try again', zh: '重试' };
const texts: Partial<Record<Reason, Record<Language, string>>> = {
  SIGN_IN_EXPIRED: {
    en: 'The sign-in took too long or was started in another window.',
    zh: '登录超时，或在另一个窗口中发起。',
  },
  SIGN_IN_NOT_ENTITLED: {
    en: 'Your account has no role in Rapport. Ask your administrator.',
    zh: '您的账户在 Rapport 中没有角色，请联系管理员。',
  },
};
const general: Record<Language, string> = {
  en: 'The sign-in provider did not confirm who you are.',
  zh: '登录服务未能确认您的身份。',
};

function sendFailure(request: Request, response: Response, refusal: Refusal): void {
  const language = languageOf(request.get('accept-language'));
  const text = (texts[refusal.reason] ?? general)[language];
  const content = `<p role="alert">${escapeHtml(text)}</p><nav><a href="/auth/sign-in">${again[language]}</a></nav>`;
  response
    .status(refusal.status)
    .type('html')
    .set('cache-control', 'no-store')
    .send(page(language, title[language], content));
}

/** `GET /auth/callback`: takes the provider's answer, starts the session and sends the browser where it wanted to go. */
export function finishSignIn(deps: Deps): RequestHandler {
  return async (request, response) => {
    response.append('set-cookie', deps.sessions.clearSignIn());
    try {
      const signIn = await deps.sessions.readSignIn(request.headers.cookie);
      if (!signIn) throw fail('SIGN_IN_EXPIRED');
      const callback = new URL('/auth/callback', deps.settings.publicUrl);
      callback.search = new URL(request.originalUrl, callback).search;
      const person = await deps.provider.finish(callback, signIn);
      response.append('set-cookie', await deps.sessions.keep(deps.sessions.start(person)));
      response.set('cache-control', 'no-store').redirect(303, signIn.returnTo);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      sendFailure(request, response, error);
    }
  };
}
