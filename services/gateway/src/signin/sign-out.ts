import type { RequestHandler } from 'express';
import type { Deps } from '../deps.js';

/**
 * `POST /auth/sign-out`: ends the session. The answer's `location`, where there is one, is where the browser should go
 * next to end the provider's session too. Repeating it changes nothing.
 */
export function signOut(deps: Deps): RequestHandler {
  return async (_request, response) => {
    response.append('set-cookie', deps.sessions.clear());
    const location = await deps.provider.signOutLocation();
    response.set('cache-control', 'no-store').json({ location: location?.href ?? '/' });
  };
}
