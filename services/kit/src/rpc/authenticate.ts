import { readFile, stat } from 'node:fs/promises';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import { logger } from '../runtime/index.js';
import type { Principal, ServerCall } from './call.js';
import { Failure } from './failure.js';

/** How callers prove who they are. One of `jwksFile` and `jwksUrl` is needed unless only `peers` are accepted. */
export interface Auth {
  /** A JWKS file with the public keys of all identities; read again when it changes. */
  jwksFile?: string;
  /** The same by URL; fetched every five minutes, and sooner when a token names an unknown key. */
  jwksUrl?: string;
  /** The key ids that may sign tokens of staff; `gateway` and `operator` by default. */
  staffSigners?: readonly string[];
  /** Accept a client certificate `CN=rapport-<service>` instead of a token; only meaningful with mTLS. */
  peers?: boolean;
}

const claims = z.object({
  sub: z.string().min(1).max(128),
  iss: z.string().min(1),
  exp: z.number(),
  typ: z.enum(['staff', 'service']),
  // One word each: decisions are remembered by the list of roles, in which a comma would make two of one.
  roles: z
    .array(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/))
    .max(32)
    .default([]),
  org_path: z
    .string()
    .regex(/^(\/|(\/[A-Za-z0-9_-]+)+)$/)
    .optional(),
  // Ids of staff only: they go into a setting of the database between commas.
  team: z
    .array(z.string().regex(/^staff\/[a-z0-9][a-z0-9._-]{0,63}$/))
    .max(100)
    .default([]),
});

function refuse(reason: string, message: string, cause?: unknown): Failure {
  return new Failure(reason, 'unauthenticated', message, { cause });
}

/** A service has the role that all services have and one of its own, so that a policy can speak of it alone. */
function servicePrincipal(name: string, orgPath = '/'): Principal {
  return { subject: `service:${name}`, roles: ['service', `service:${name}`], orgPath, type: 'service' };
}

type Keys = ReturnType<typeof createLocalJWKSet>;

/** The current keys; `fresh` asks for them to be read again, at most once a second. */
function keySource(auth: Auth, changed: () => void): (fresh: boolean) => Promise<Keys> {
  const maxAgeMs = auth.jwksFile ? 2_000 : 300_000;
  let keys: Keys | undefined;
  let version = '';
  let readAt = 0;
  let reading: Promise<Keys> | undefined;

  async function load(): Promise<Keys> {
    readAt = Date.now();
    try {
      let text: string;
      if (auth.jwksFile) {
        const { mtimeMs, size, ino } = await stat(auth.jwksFile);
        const now = `${mtimeMs}/${size}/${ino}`;
        if (keys && now === version) return keys;
        text = await readFile(auth.jwksFile, 'utf8');
        version = now;
      } else {
        const response = await fetch(auth.jwksUrl ?? '', { signal: AbortSignal.timeout(5_000) });
        if (!response.ok) throw new Error(`the key set answered ${response.status}`);
        text = await response.text();
      }
      keys = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
      changed();
      return keys;
    } catch (error) {
      // A key set that cannot be read now leaves the last good one in force.
      logger.error({ err: error }, 'the key set could not be read');
      if (keys) return keys;
      throw new Failure('KEYS_UNAVAILABLE', 'unavailable', 'The keys to check tokens with are not available.', {
        retryInMs: 1_000,
        cause: error,
      });
    }
  }

  return async (fresh) => {
    const age = Date.now() - readAt;
    if (keys && age < (fresh ? 1_000 : maxAgeMs)) return keys;
    reading ??= load().finally(() => {
      reading = undefined;
    });
    return reading;
  };
}

/** Who a call comes from, and the token that proved it. */
export interface Identified {
  principal: Principal;
  token?: string;
}

/**
 * Gives the function that identifies callers. A bearer token counts before a client certificate, so that a service may
 * forward its user's. Tokens that were checked are remembered until they expire or the keys change, because a signature
 * costs more than the read behind it. Throws UNAUTHENTICATED failures.
 */
export function authenticator(auth: Auth): (call: ServerCall) => Promise<Identified> | Identified {
  const staffSigners = new Set(auth.staffSigners ?? ['gateway', 'operator']);
  const checked = new Map<string, { identified: Identified; expires: number }>();
  const source = auth.jwksFile || auth.jwksUrl ? keySource(auth, () => checked.clear()) : undefined;
  if (!source && !auth.peers) throw new Error('authentication needs jwksFile, jwksUrl or peers');

  function principalOf(payload: JWTPayload, kid: string): Principal {
    const parsed = claims.safeParse(payload);
    if (!parsed.success) throw refuse('TOKEN_INVALID', 'The token lacks a claim that is needed.');
    const { sub, iss, typ, roles, team, org_path: orgPath } = parsed.data;
    if (iss !== kid) throw refuse('TOKEN_INVALID', 'The token was not issued by the owner of its key.');
    if (typ === 'staff') {
      if (!staffSigners.has(kid)) throw refuse('TOKEN_SIGNER', 'This key may not sign tokens of staff.');
      if (!orgPath) throw refuse('TOKEN_INVALID', 'A token of staff needs org_path.');
      if (sub.startsWith('service:') || roles.includes('service')) {
        throw refuse('TOKEN_INVALID', 'A token of staff cannot be a service.');
      }
      return { subject: sub, roles, orgPath, type: 'staff', team };
    }
    if (sub !== `service:${kid}`) throw refuse('TOKEN_SIGNER', 'This key may sign for its own service only.');
    return servicePrincipal(kid, orgPath);
  }

  async function verify(header: string, token: string, keys: (fresh: boolean) => Promise<Keys>): Promise<Identified> {
    const options = { audience: 'rapport', algorithms: ['EdDSA', 'ES256'], clockTolerance: 5 };
    let expires = 0;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, await keys(false), options).catch(async (error) => {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        return jwtVerify(token, await keys(true), options);
      });
      const kid = protectedHeader.kid;
      if (!kid) throw refuse('TOKEN_INVALID', 'The token names no key.');
      const identified = { principal: principalOf(payload, kid), token };
      expires = (payload.exp ?? 0) * 1000;
      if (checked.size >= 10_000) checked.clear();
      checked.set(header, { identified, expires });
      return identified;
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (error instanceof errors.JWTExpired) throw refuse('TOKEN_EXPIRED', 'The token has expired.', error);
      throw refuse('TOKEN_INVALID', 'The token is not valid.', error);
    }
  }

  return (call) => {
    const header = call.metadata.get('authorization')[0];
    if (header === undefined) {
      const name = auth.peers ? call.getAuthContext().sslPeerCertificate?.subject.CN : undefined;
      const service = /^rapport-([a-z0-9-]+)$/.exec(String(name ?? ''))?.[1];
      if (!service) throw refuse('CREDENTIALS_MISSING', 'The call carries no credentials.');
      return { principal: servicePrincipal(service) };
    }
    const text = String(header);
    const known = checked.get(text);
    if (known && known.expires > Date.now()) return known.identified;
    checked.delete(text);
    const token = /^Bearer (\S+)$/i.exec(text)?.[1];
    if (!token || !source) throw refuse('TOKEN_INVALID', 'The authorization must be a bearer token.');
    return verify(text, token, source);
  };
}
