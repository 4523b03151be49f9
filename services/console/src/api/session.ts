import { call, setCsrf } from './client.js';

/** Who is signed in. */
export interface Session {
  /** `staff/{id}`. */
  subject: string;
  name: string;
  roles: string[];
  organisationPath: string;
  language: string;
  csrf: string;
  expireTime: string;
}

/** The session; throws Problem 401 when there is none. Remembers its token for writes. */
export async function readSession(): Promise<Session> {
  const session = await call<Session>('GET', '/api/session', { signIn: false });
  setCsrf(session.csrf);
  return session;
}

/** Ends the session and goes where the gateway says. */
export async function signOut(): Promise<void> {
  const { location } = await call<{ location: string }>('POST', '/auth/sign-out', { body: {} });
  window.location.assign(location);
}
