import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '@rapport/kit/runtime';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { Response } from 'express';
import { EncryptJWT, type JWTPayload, jwtDecrypt } from 'jose';
import { z } from 'zod';

/** The roles that a person may hold here; whatever else a provider's token says is ignored. */
export const staffRoles = [
  'relationship_manager',
  'call_centre_agent',
  'marketer',
  'marketing_approver',
  'branch_manager',
  'auditor',
  'analyst',
  'administrator',
  'privacy_officer',
  'data_steward',
] as const;

export type Language = 'en' | 'zh';

/** Somebody who signed in, as the provider's claims say. */
export interface Person {
  /** `staff/{id}`, what parties and cases call their employee. */
  subject: string;
  name: string;
  roles: string[];
  organisationPath: string;
  /** Those whom the person stands in for, `staff/{id}`; at most 100. */
  team: string[];
  language: Language;
}

export interface Session extends Person {
  id: string;
  /** Must come back in the header `x-rapport-csrf` with every request that changes something. */
  csrf: string;
  /** Seconds since 1970. */
  signedInAt: number;
  seenAt: number;
}

/** Who makes a request: a person with a session, or a machine with a bearer token of the provider. */
export interface Caller extends Person {
  session?: Session;
}

export interface SessionSettings {
  idleSeconds: number;
  absoluteSeconds: number;
  /** True when the public address is https: then the cookie is Secure and has the `__Host-` prefix. */
  secure: boolean;
}

/** Keeps sessions in encrypted cookies; nothing is kept on the server. */
export interface Sessions {
  start(person: Person): Session;
  /** The session of a Cookie header; undefined when there is none or it is forged, idle too long or too old. */
  read(cookieHeader: string | undefined): Promise<Session | undefined>;
  /** A Set-Cookie value that keeps the session, seen now. */
  keep(session: Session): Promise<string>;
  /** A Set-Cookie value that ends it in the browser. */
  clear(): string;
  /** A Set-Cookie value with data of a sign-in under way, 10 minutes. */
  keepSignIn(data: SignIn): Promise<string>;
  readSignIn(cookieHeader: string | undefined): Promise<SignIn | undefined>;
  clearSignIn(): string;
  expiresAt(session: Session): Date;
}

/** What a sign-in must remember until the provider sends the browser back. */
export interface SignIn {
  state: string;
  nonce: string;
  verifier: string;
  returnTo: string;
}

const signInSeconds = 600;
const clockTolerance = 5;
const issuer = 'rapport-gateway';

/**
 * Reads the keys that seal the cookies: a file with 32 random bytes in base64 on each line. The first line seals, all
 * open, so that a key is changed by putting a new line in front.
 */
export function readSessionKeys(file: string): Uint8Array[] {
  const lines = readFileSync(file, 'utf8').split(/\s+/).filter(Boolean);
  const keys = lines.map((line) => Buffer.from(line, 'base64'));
  if (keys.length === 0 || keys.some((key) => key.length !== 32)) {
    throw new Error(`${file} must hold 32 random bytes in base64 on each line`);
  }
  return keys;
}

const sessionSchema = z.object({
  id: z.string(),
  subject: z.string(),
  name: z.string(),
  roles: z.array(z.string()),
  organisationPath: z.string(),
  // Sessions of before have none.
  team: z.array(z.string()).default([]),
  language: z.enum(['en', 'zh']),
  csrf: z.string(),
  signedInAt: z.number(),
  seenAt: z.number(),
});
const signInSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  returnTo: z.string(),
});

/** Sessions sealed with `keys`; `clock` decides what is too old. */
export function createSessions(keys: Uint8Array[], settings: SessionSettings, clock: Clock): Sessions {
  const prefix = settings.secure ? '__Host-' : '';
  const sessionCookie = `${prefix}rapport`;
  const signInCookie = `${prefix}rapport-sign-in`;
  const [sealing] = keys;
  if (!sealing) throw new Error('there is no key to seal sessions');
  const seconds = (): number => Math.floor(clock.now().getTime() / 1000);

  const seal = async (audience: string, payload: JWTPayload, maxAge: number): Promise<string> =>
    await new EncryptJWT(payload)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime(seconds() + maxAge)
      .encrypt(sealing);

  const open = async (audience: string, text: string | undefined): Promise<JWTPayload | undefined> => {
    if (!text) return undefined;
    for (const key of keys) {
      try {
        const checks = {
          issuer,
          audience,
          currentDate: clock.now(),
          keyManagementAlgorithms: ['dir'],
        };
        return (
          await jwtDecrypt(text, key, {
            ...checks,
            contentEncryptionAlgorithms: ['A256GCM'],
          })
        ).payload;
      } catch {
        // Sealed with another key, expired or forged: to the caller all the same.
      }
    }
    return undefined;
  };

  const cookie = (name: string, value: string, maxAge: number): string =>
    stringifySetCookie({
      name,
      value,
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: settings.secure,
      maxAge,
    });
  const valueOf = (header: string | undefined, name: string): string | undefined => parseCookie(header ?? '')[name];
  const remaining = (session: Session): number =>
    Math.min(session.seenAt + settings.idleSeconds, session.signedInAt + settings.absoluteSeconds) - seconds();

  return {
    start(person) {
      const now = seconds();
      const random = () => randomBytes(24).toString('base64url');
      return {
        ...person,
        id: random(),
        csrf: random(),
        signedInAt: now,
        seenAt: now,
      };
    },
    async read(header) {
      const parsed = sessionSchema.safeParse(await open('session', valueOf(header, sessionCookie)));
      if (!parsed.success) return undefined;
      const inFuture = parsed.data.seenAt > seconds() + clockTolerance;
      return remaining(parsed.data) > 0 && !inFuture ? parsed.data : undefined;
    },
    async keep(session) {
      const seen = { ...session, seenAt: seconds() };
      const maxAge = remaining(seen);
      return cookie(sessionCookie, await seal('session', { ...seen }, maxAge), maxAge);
    },
    clear: () => cookie(sessionCookie, '', 0),
    async keepSignIn(data) {
      return cookie(signInCookie, await seal('sign-in', { ...data }, signInSeconds), signInSeconds);
    },
    async readSignIn(header) {
      const parsed = signInSchema.safeParse(await open('sign-in', valueOf(header, signInCookie)));
      return parsed.success ? parsed.data : undefined;
    },
    clearSignIn: () => cookie(signInCookie, '', 0),
    expiresAt: (session) => new Date((seconds() + remaining(session)) * 1000),
  };
}

/** Who makes the request, undefined before sign-in. Known once `authenticate` has run. */
export function callerOf(response: Response): Caller | undefined {
  return response.locals.caller as Caller | undefined;
}

/** Compares two texts without telling by its duration where they differ. */
export function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
