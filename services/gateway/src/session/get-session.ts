import type { RequestHandler } from 'express';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { callerOf } from './session.js';

/** `GET /api/session`: who is signed in, what they may ask for and the CSRF token; 401 when nobody is. */
export function getSession(deps: Deps): RequestHandler {
  return (_request, response) => {
    const caller = callerOf(response);
    if (!caller) throw fail('NOT_SIGNED_IN');
    const { subject, name, roles, organisationPath, language, session } = caller;
    response.set('cache-control', 'no-store').json({
      subject,
      name,
      roles,
      organisationPath,
      language,
      ...(session
        ? {
            csrf: session.csrf,
            expireTime: deps.sessions.expiresAt(session).toISOString(),
          }
        : {}),
    });
  };
}
