import type { RequestHandler } from 'express';
import type { Deps } from '../deps.js';
import { safeReturn } from './signin.js';

/**
 * `GET /auth/sign-in?return_to=/parties&lang=zh`: sends the browser to the sign-in provider. A browser that came under
 * another host name is first sent to the public address, where its cookies will be.
 */
export function beginSignIn(deps: Deps): RequestHandler {
  return async (request, response) => {
    const { publicUrl } = deps.settings;
    if (request.get('host') !== publicUrl.host && request.query.canonical === undefined) {
      const target = new URL(request.originalUrl, publicUrl);
      target.searchParams.set('canonical', '1');
      response.redirect(303, new URL(target.pathname + target.search, publicUrl).href);
      return;
    }
    const { lang } = request.query;
    const language = lang === 'zh' ? 'zh-CN' : lang === 'en' ? 'en' : undefined;
    const { location, signIn } = await deps.provider.begin(safeReturn(request.query.return_to), language);
    response.append('set-cookie', await deps.sessions.keepSignIn(signIn));
    response.set('cache-control', 'no-store').redirect(303, location.href);
  };
}
