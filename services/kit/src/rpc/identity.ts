import { readFileSync } from 'node:fs';
import { type CryptoKey, importJWK, type JWK, SignJWT } from 'jose';
import { z } from 'zod';

const jwk = z.looseObject({ kty: z.enum(['OKP', 'EC']), kid: z.string().min(1), d: z.string().min(1) });

/** Signs tokens with one private key. */
export interface Signer {
  /** The key's id, which is also the issuer of its tokens. */
  kid: string;
  /** A signed JWT. `expiresInMs` from now, five minutes by default. */
  sign(claims: TokenClaims, expiresInMs?: number): Promise<string>;
}

/** What a token says. Only the gateway's and the operator's keys are believed for staff. */
export type TokenClaims =
  | { typ: 'staff'; sub: string; roles: readonly string[]; orgPath: string; team?: readonly string[] }
  | { typ: 'service'; sub: string };

/** What gives an outgoing call its bearer token. */
export interface Identity {
  token(): Promise<string>;
}

/** Reads a private JWK (with `kid`; EdDSA or ES256) and gives what signs with it. Throws when the file is no such key. */
export function signer(keyFile: string): Signer {
  const parsed = jwk.safeParse(JSON.parse(readFileSync(keyFile, 'utf8')));
  // The library's error would quote the file.
  if (!parsed.success) throw new Error(`${keyFile} is not a private JWK with a kid`);
  const { kid, kty } = parsed.data;
  const alg = kty === 'OKP' ? 'EdDSA' : 'ES256';
  let key: Promise<CryptoKey | Uint8Array> | undefined;
  return {
    kid,
    sign: async (claims, expiresInMs = 300_000) => {
      key ??= importJWK(parsed.data as JWK, alg);
      const now = Math.floor(Date.now() / 1000);
      const { sub, typ } = claims;
      const staff = claims.typ === 'staff' ? { roles: claims.roles, org_path: claims.orgPath, team: claims.team } : {};
      return new SignJWT({ typ, ...staff })
        .setProtectedHeader({ alg, kid })
        .setSubject(sub)
        .setIssuer(kid)
        .setAudience('rapport')
        .setIssuedAt(now)
        .setExpirationTime(now + Math.ceil(expiresInMs / 1000))
        .sign(await key);
    },
  };
}

/** An identity whose tokens are signed here and used again until a minute before they expire. */
export function signingIdentity(from: Signer, claims: TokenClaims): Identity {
  const lifetimeMs = 300_000;
  let current: Promise<string> | undefined;
  let renewAt = 0;
  return {
    token: () => {
      if (!current || Date.now() >= renewAt) {
        renewAt = Date.now() + lifetimeMs - 60_000;
        current = from.sign(claims, lifetimeMs);
        current.catch(() => {
          current = undefined;
        });
      }
      return current;
    },
  };
}

/** The identity of a service: SERVICE_KEY_FILE, subject `service:<kid>`. */
export function serviceIdentity(keyFile: string): Identity {
  const from = signer(keyFile);
  return signingIdentity(from, { typ: 'service', sub: `service:${from.kid}` });
}
