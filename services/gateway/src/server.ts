import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { serveConsole } from './console/serve-console.js';
import type { Deps } from './deps.js';
import { fail } from './errors.js';
import { limitAddress, limitCaller } from './limits/limits.js';
import { openApi } from './openapi/openapi.js';
import { correlate, problemHandler } from './problem/problem.js';
import { authenticate, requireCaller } from './session/authenticate.js';
import { getSession } from './session/get-session.js';
import { callerOf } from './session/session.js';
import { beginSignIn } from './signin/begin-sign-in.js';
import { finishSignIn } from './signin/finish-sign-in.js';
import { signOut } from './signin/sign-out.js';
import { callRpc } from './transcoding/call-rpc.js';

const bodyLimit = '1mb';

function securityHeaders(https: boolean): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        // The console's component library writes its styles into the page.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        workerSrc: ["'self'", 'blob:'],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        objectSrc: ["'none'"],
        ...(https ? { upgradeInsecureRequests: [] } : {}),
      },
    },
    strictTransportSecurity: https ? { maxAge: 31_536_000, includeSubDomains: true } : false,
    // Not no-referrer: browsers would then send `Origin: null` with the sign-in form.
    referrerPolicy: { policy: 'same-origin' },
    xFrameOptions: { action: 'deny' },
  });
}

/** A body is JSON or there is none. */
const onlyJson: RequestHandler = (request, _response, next) => {
  const length = request.headers['content-length'];
  const hasBody = request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
  if (hasBody && !request.is('application/json')) throw fail('UNSUPPORTED_MEDIA_TYPE');
  next();
};

const nothingHere: RequestHandler = () => {
  throw fail('NO_SUCH_PATH');
};

/**
 * The routing table. `embedded` is the router of the embedded sign-in provider where one runs; `comments` describe the
 * API in its OpenAPI document.
 */
export function createApp(
  deps: Deps,
  options: {
    embedded?: RequestHandler;
    comments?: Record<string, string>;
    version: string;
  },
): Express {
  const { settings, contract } = deps;
  const document = JSON.stringify(openApi(contract, options.comments ?? {}, options.version));
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', settings.trustedProxies);
  app.set('query parser', 'simple');
  app.use(correlate, securityHeaders(settings.publicUrl.protocol === 'https:'));
  app.use((_request, response, next) => {
    response.set('permissions-policy', 'camera=(), microphone=(), geolocation=(), payment=()');
    next();
  });

  app.use(['/api', '/auth', '/oidc'], limitAddress(settings.addressLimit));
  if (options.embedded) app.use('/oidc', options.embedded);

  const signedIn = [authenticate(deps), requireCaller(deps)];
  const callerLimit = limitCaller(settings.userLimit, (response) => callerOf(response)?.subject);
  app.get('/auth/sign-in', beginSignIn(deps));
  app.get('/auth/callback', finishSignIn(deps));
  app.post('/auth/sign-out', signedIn, signOut(deps));

  app.get('/openapi.json', (_request, response) => {
    response.set('cache-control', 'no-cache').type('application/json').send(document);
  });
  app.get('/api/session', authenticate(deps), getSession(deps));
  const body = express.raw({ type: 'application/json', limit: bodyLimit });
  app.use('/api', signedIn, callerLimit, onlyJson, body, callRpc(deps));

  app.use(['/auth', '/oidc'], nothingHere);
  app.use(settings.consoleDirectory ? serveConsole(settings.consoleDirectory) : nothingHere);
  app.use(problemHandler);
  return app;
}
