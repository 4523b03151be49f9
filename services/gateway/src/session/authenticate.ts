import type { Request, RequestHandler, Response } from 'express';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { type Caller, callerOf, sameText, type Session } from './session.js';

const refreshSeconds = 30;
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

async function fromCookie(deps: Deps, request: Request, response: Response): Promise<Caller | undefined> {
  const session = await deps.sessions.read(request.headers.cookie);
  if (!session) return undefined;
  const idleFor = deps.clock.now().getTime() / 1000 - session.seenAt;
  if (idleFor >= refreshSeconds) response.append('set-cookie', await deps.sessions.keep(session));
  return { ...session, session };
}

/**
 * Finds out who makes the request: by a bearer token of the sign-in provider, else by the session cookie. A request
 * with neither goes on without a caller. A bearer token that is not valid is refused, never ignored.
 */
export function authenticate(deps: Deps): RequestHandler {
  return async (request, response, next) => {
    const { authorization } = request.headers;
    if (authorization === undefined) {
      response.locals.caller = await fromCookie(deps, request, response);
    } else {
      const [, token] = /^Bearer ([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(authorization) ?? [];
      if (token === undefined) throw fail('TOKEN_REFUSED');
      response.locals.caller = await deps.provider.verifyBearer(token);
    }
    next();
  };
}

function checkOrigin(session: Session, request: Request, origin: string): void {
  if (request.get('origin') !== origin) throw fail('ORIGIN_REFUSED');
  if (!sameText(request.get('x-rapport-csrf') ?? '', session.csrf)) throw fail('CSRF_REFUSED');
}

/**
 * Lets only known callers pass. With a session, whatever may change something must come from this origin and carry the
 * session's CSRF token; a browser never adds a bearer token by itself, so those need neither.
 */
export function requireCaller(deps: Deps): RequestHandler {
  return (request, response, next) => {
    const caller = callerOf(response);
    if (!caller) throw fail('NOT_SIGNED_IN');
    if (caller.session && !safeMethods.has(request.method)) {
      checkOrigin(caller.session, request, deps.settings.publicUrl.origin);
    }
    next();
  };
}
