import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { logger } from '@rapport/kit/runtime';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { languageOf, page } from '../page/page.js';
import { loginPage } from './login-page.js';
import { createStores } from './store.js';
import { checkPassword, readUsers, type User } from './users.js';

/** The parts of oidc-provider that are used here; the package has no types of its own. */
interface OidcProvider {
  proxy: boolean;
  callback(): RequestHandler;
  on(event: string, listener: (ctx: unknown, error: Error) => void): void;
  interactionDetails(request: Request, response: Response): Promise<Interaction>;
  interactionFinished(request: Request, response: Response, result: object, options: object): Promise<void>;
  Grant: new (properties: object) => { addOIDCScope(scope: string): void; save(): Promise<string> };
}

interface Interaction {
  uid: string;
  prompt: { name: string };
  params: { ui_locales?: string };
}

interface GrantContext {
  oidc: {
    provider: OidcProvider;
    client: { clientId: string };
    session: { accountId: string };
  };
}

interface PageContext {
  type: string;
  body: string;
  get(header: string): string;
}

/** The embedded sign-in provider and how the gateway signs in at it. */
export interface EmbeddedProvider {
  /** Serves everything below `/oidc`. */
  router: Router;
  issuer: URL;
  clientId: string;
  clientSecret: string;
}

const clientId = 'rapport-console';
const scopes = 'openid profile rapport';

function claimsOf(user: User): Record<string, unknown> {
  return {
    sub: user.username,
    name: user.name,
    locale: user.language === 'zh' ? 'zh-CN' : 'en',
    roles: user.roles,
    org_path: user.organisationPath,
    staff_id: user.staffId,
    team: user.team,
  };
}

async function load(): Promise<new (issuer: string, configuration: object) => OidcProvider> {
  // A name that the compiler does not follow: the package is absent from images, where a bank's own provider serves.
  const name: string = 'oidc-provider';
  try {
    return (
      (await import(name)) as {
        default: new (issuer: string, configuration: object) => OidcProvider;
      }
    ).default;
  } catch (cause) {
    const text =
      'OIDC_ISSUER is not set and the embedded sign-in provider (npm package oidc-provider) is not installed';
    throw new Error(`${text}: set OIDC_ISSUER to the bank's own provider`, {
      cause,
    });
  }
}

function configurationFor(publicUrl: URL, clientSecret: string, users: Map<string, User>): object {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    adapter: createStores(),
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [new URL('/auth/callback', publicUrl).href],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        id_token_signed_response_alg: 'ES256',
        application_type: 'web',
      },
    ],
    jwks: {
      keys: [
        {
          ...privateKey.export({ format: 'jwk' }),
          alg: 'ES256',
          use: 'sig',
          kid: 'embedded',
        },
      ],
    },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    claims: {
      openid: ['sub'],
      profile: ['name', 'locale'],
      rapport: ['roles', 'org_path', 'staff_id', 'team'],
    },
    scopes: scopes.split(' '),
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
    },
    interactions: {
      url: (_ctx: unknown, { uid }: Interaction) => `/oidc/interaction/${uid}`,
    },
    ttl: {
      Interaction: 600,
      Session: 600,
      Grant: 600,
      AccessToken: 300,
      IdToken: 300,
      AuthorizationCode: 60,
    },
    findAccount: (_ctx: unknown, id: string) => {
      const user = users.get(id);
      return user && { accountId: id, claims: () => claimsOf(user) };
    },
    // The bank's own application: nobody is asked whether it may know who signs in.
    async loadExistingGrant({ oidc }: GrantContext) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client.clientId,
        accountId: oidc.session.accountId,
      });
      grant.addOIDCScope(scopes);
      await grant.save();
      return grant;
    },
    async renderError(ctx: PageContext) {
      const language = languageOf(ctx.get('accept-language'));
      const title = language === 'zh' ? '登录未成功' : 'Sign-in did not succeed';
      const again = language === 'zh' ? '重试' : 'Try again';
      ctx.type = 'html';
      ctx.body = page(language, title, `<nav><a href="/auth/sign-in">${again}</a></nav>`);
    },
  };
}

function expired(request: Request, response: Response): void {
  const language = languageOf(request.get('accept-language'));
  const title = language === 'zh' ? '登录已过期' : 'This sign-in has expired';
  const again = language === 'zh' ? '重新登录' : 'Sign in again';
  const content = `<nav><a href="/auth/sign-in">${again}</a></nav>`;
  response
    .status(400)
    .type('html')
    .send(page(language, title, content));
}

/**
 * The sign-in provider for demonstrations and development: people from a file, everything else in the memory of this
 * process, so that there can be one replica only. `attempts` limits how often a password may be tried.
 */
export async function embedProvider(
  publicUrl: URL,
  usersFile: string,
  attempts: RequestHandler,
): Promise<EmbeddedProvider> {
  const users = readUsers(usersFile);
  const Provider = await load();
  const issuer = new URL('/oidc', publicUrl);
  const clientSecret = randomBytes(32).toString('base64url');
  const provider = new Provider(issuer.href, configurationFor(publicUrl, clientSecret, users));
  provider.proxy = true;
  provider.on('server_error', (_ctx, error) => logger.error({ err: error }, 'the embedded provider failed'));

  const router = Router();
  router.use((request, response, next) => {
    // The provider builds its addresses from these, and they must be the public one whatever the caller says.
    request.headers['x-forwarded-proto'] = publicUrl.protocol.slice(0, -1);
    request.headers['x-forwarded-host'] = publicUrl.host;
    request.headers.host = publicUrl.host;
    response.set('cache-control', 'no-store');
    next();
  });
  const interactionOf = async (request: Request, response: Response): Promise<Interaction | undefined> => {
    try {
      const interaction = await provider.interactionDetails(request, response);
      return interaction.uid === request.params.uid && interaction.prompt.name === 'login' ? interaction : undefined;
    } catch {
      return undefined;
    }
  };
  router.get('/interaction/:uid', async (request, response) => {
    const interaction = await interactionOf(request, response);
    if (!interaction) return expired(request, response);
    const language = languageOf(interaction.params.ui_locales, request.get('accept-language'));
    response.type('html').send(
      loginPage({
        language,
        action: `/oidc/interaction/${interaction.uid}`,
        failed: false,
      }),
    );
  });
  const form = express.urlencoded({
    extended: false,
    limit: '4kb',
    parameterLimit: 5,
  });
  router.post('/interaction/:uid', attempts, form, async (request, response) => {
    const interaction = await interactionOf(request, response);
    if (!interaction || request.get('origin') !== publicUrl.origin) return expired(request, response);
    const { username, password } = (request.body ?? {}) as Record<string, unknown>;
    const given = typeof username === 'string' && typeof password === 'string' && password.length <= 256;
    const user = given ? await checkPassword(users, username.slice(0, 100), password) : undefined;
    if (!user) {
      const language = languageOf(interaction.params.ui_locales, request.get('accept-language'));
      const action = `/oidc/interaction/${interaction.uid}`;
      response
        .status(401)
        .type('html')
        .send(loginPage({ language, action, failed: true }));
      return;
    }
    const result = { login: { accountId: user.username, remember: false } };
    await provider.interactionFinished(request, response, result, {
      mergeWithLastSubmission: false,
    });
  });
  router.use(provider.callback());
  return { router, issuer, clientId, clientSecret };
}
