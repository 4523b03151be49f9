import { logger } from '@rapport/kit/runtime';
import { createRemoteJWKSet, errors as joseErrors, type JWTPayload, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { fail } from '../errors.js';
import { type Person, type SignIn, staffRoles } from '../session/session.js';

/** Which claims of the provider's tokens say what; a dot reaches into an object (`realm_access.roles`). */
export interface ClaimNames {
  staffId: string;
  name: string;
  roles: string;
  organisationPath: string;
  team: string;
  language: string;
}

export interface ProviderSettings {
  issuer: URL;
  clientId: string;
  clientSecret?: string | undefined;
  scope: string;
  /** `login` asks for the password at each sign-in, also when the provider still knows the browser. */
  prompt?: string | undefined;
  /** The audience that a bearer token must be for; never the client id, or ID tokens would pass as bearer tokens. */
  audience: string;
  /** Provider roles to roles here, for those that differ. */
  roleNames: Record<string, string>;
  claims: ClaimNames;
  /** Where the provider sends the browser back: `<public address>/auth/callback`. */
  redirectUri: URL;
  signedOutUri: URL;
}

/** The sign-in provider. Its metadata are read at first use, so that its absence does not stop the gateway. */
export interface Provider {
  begin(returnTo: string, language: string | undefined): Promise<{ location: URL; signIn: SignIn }>;
  /** The person that the provider vouches for; refuses with SIGN_IN_FAILED or SIGN_IN_NOT_ENTITLED. */
  finish(callback: URL, signIn: SignIn): Promise<Person>;
  /** Where the browser goes to end the provider's own session too; undefined when the provider offers no such place. */
  signOutLocation(): Promise<URL | undefined>;
  /** Whom a bearer token stands for; refuses with TOKEN_REFUSED. */
  verifyBearer(token: string): Promise<Person>;
}

type Claims = Record<string, unknown>;

const organisationPath = /^\/(?:[A-Za-z0-9_-]{1,64}(?:\/[A-Za-z0-9_-]{1,64}){0,15})?$/;
// Becomes the id of `staff/{id}`, which is what parties and cases call their employee.
const staffId = /^[a-z0-9][a-z0-9._-]{0,63}$/;

function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name.split('.').reduce<unknown>((at, part) => {
    return typeof at === 'object' && at !== null && Object.hasOwn(at, part) ? (at as Claims)[part] : undefined;
  }, claims);
}

function textAt(claims: Claims, name: string): string | undefined {
  const value = claimAt(claims, name);
  return typeof value === 'string' && value !== '' && value.length <= 256 ? value : undefined;
}

/** Staff ids in a list, or in a text between spaces or commas; what is no staff id is passed over. */
function teamOf(given: unknown): string[] {
  const listed = Array.isArray(given) ? given : typeof given === 'string' ? given.split(/[\s,]+/) : [];
  const ids = listed.filter((id): id is string => typeof id === 'string' && staffId.test(id));
  return [...new Set(ids)].slice(0, 100).map((id) => `staff/${id}`);
}

/** The person in a token's claims; undefined without a staff id, a known role and a well-formed organisation path. */
export function personOf(claims: Claims, settings: Pick<ProviderSettings, 'claims' | 'roleNames'>): Person | undefined {
  const names = settings.claims;
  const given = claimAt(claims, names.roles);
  const listed = Array.isArray(given) ? given : typeof given === 'string' ? given.split(/[\s,]+/) : [];
  const own = listed.map((role) => {
    const text = String(role);
    return Object.hasOwn(settings.roleNames, text) ? settings.roleNames[text] : text;
  });
  const roles = staffRoles.filter((role) => own.includes(role));
  const path = textAt(claims, names.organisationPath);
  const id = textAt(claims, names.staffId);
  if (roles.length === 0 || path === undefined || !organisationPath.test(path)) return undefined;
  if (id === undefined || !staffId.test(id)) return undefined;
  const language = textAt(claims, names.language)?.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  return {
    subject: `staff/${id}`,
    name: textAt(claims, names.name) ?? id,
    roles,
    organisationPath: path,
    team: teamOf(claimAt(claims, names.team)),
    language,
  };
}

/** Only a path on this host may be returned to; anything else becomes the start page. */
export function safeReturn(wish: unknown): string {
  if (typeof wish !== 'string' || wish.length > 2000 || !/^\/(?![/\\])[^\u0000-\u001f\\]*$/.test(wish)) return '/';
  return wish;
}

/** A provider that speaks OpenID Connect, asked by authorization code with PKCE. */
export function openProvider(settings: ProviderSettings): Provider {
  let ready: Promise<oidc.Configuration> | undefined;
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined;

  const discover = async (): Promise<oidc.Configuration> => {
    const execute = settings.issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : [];
    const authentication = settings.clientSecret ? oidc.ClientSecretBasic(settings.clientSecret) : oidc.None();
    return await oidc.discovery(settings.issuer, settings.clientId, undefined, authentication, {
      execute,
      timeout: 10,
    });
  };
  const configuration = async (): Promise<oidc.Configuration> => {
    ready ??= discover();
    try {
      return await ready;
    } catch (cause) {
      ready = undefined;
      throw fail('PROVIDER_UNAVAILABLE', { headers: { 'retry-after': '5' } }, cause);
    }
  };

  return {
    async begin(returnTo, language) {
      const config = await configuration();
      const verifier = oidc.randomPKCECodeVerifier();
      const signIn: SignIn = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        verifier,
        returnTo,
      };
      const location = oidc.buildAuthorizationUrl(config, {
        redirect_uri: settings.redirectUri.href,
        scope: settings.scope,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state: signIn.state,
        nonce: signIn.nonce,
        ...(settings.prompt ? { prompt: settings.prompt } : {}),
        ...(language ? { ui_locales: language } : {}),
      });
      return { location, signIn };
    },

    async finish(callback, signIn) {
      const config = await configuration();
      let claims: Claims;
      try {
        const tokens = await oidc.authorizationCodeGrant(config, callback, {
          pkceCodeVerifier: signIn.verifier,
          expectedState: signIn.state,
          expectedNonce: signIn.nonce,
          idTokenExpected: true,
        });
        const idToken = tokens.claims() ?? {};
        claims = { ...idToken };
        const complete = claimAt(claims, settings.claims.roles) !== undefined;
        if (!complete && config.serverMetadata().userinfo_endpoint) {
          claims = {
            ...(await oidc.fetchUserInfo(config, tokens.access_token, String(claims.sub))),
            ...claims,
          };
        }
      } catch (cause) {
        const reason = cause instanceof Error && 'error' in cause ? cause.error : undefined;
        logger.warn({ err: cause, reason }, 'a sign-in was refused');
        throw fail('SIGN_IN_FAILED', {}, cause);
      }
      const person = personOf(claims, settings);
      if (!person) throw fail('SIGN_IN_NOT_ENTITLED');
      return person;
    },

    async signOutLocation() {
      try {
        const config = await configuration();
        if (!config.serverMetadata().end_session_endpoint) return undefined;
        return oidc.buildEndSessionUrl(config, {
          post_logout_redirect_uri: settings.signedOutUri.href,
        });
      } catch {
        // The session here has ended whatever the provider does.
        return undefined;
      }
    },

    async verifyBearer(token) {
      const metadata = (await configuration()).serverMetadata();
      if (!metadata.jwks_uri) throw fail('TOKEN_REFUSED');
      keys ??= createRemoteJWKSet(new URL(metadata.jwks_uri), {
        timeoutDuration: 5_000,
      });
      let payload: JWTPayload;
      try {
        const verified = await jwtVerify(token, keys, {
          issuer: metadata.issuer,
          audience: settings.audience,
          algorithms: ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'PS256', 'RS256'],
          requiredClaims: ['exp', 'sub'],
          clockTolerance: 5,
        });
        payload = verified.payload;
      } catch (cause) {
        if (cause instanceof joseErrors.JWKSTimeout) throw fail('PROVIDER_UNAVAILABLE', {}, cause);
        throw fail('TOKEN_REFUSED', {}, cause);
      }
      const person = personOf(payload, settings);
      if (!person)
        throw fail('TOKEN_REFUSED', {
          detail: 'The token carries no role or organisation path.',
        });
      return person;
    },
  };
}
