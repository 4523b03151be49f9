import { randomBytes } from 'node:crypto';
import { manager, testClock } from '../gateway.testkit.js';
import { createSessions } from './session.js';

const settings = { idleSeconds: 600, absoluteSeconds: 3_600, secure: true };
const cookieOf = (setCookie: string): string => setCookie.split(';')[0] ?? '';

function setUp(keys = [randomBytes(32)]) {
  const clock = testClock();
  return { clock, keys, sessions: createSessions(keys, settings, clock) };
}

test('a session comes back from its cookie, which browsers keep to themselves', async () => {
  const { sessions } = setUp();
  const session = sessions.start(manager);
  const setCookie = await sessions.keep(session);
  expect(setCookie).toMatch(/^__Host-rapport=/);
  for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/']) expect(setCookie).toContain(attribute);
  expect(setCookie).not.toContain('Domain');
  expect(await sessions.read(cookieOf(setCookie))).toEqual(session);
});

test('the cookie does not show what is in it', async () => {
  const { sessions } = setUp();
  const value = cookieOf(await sessions.keep(sessions.start(manager))).slice('__Host-rapport='.length);
  const readable = value
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString('latin1'))
    .join(' ');
  expect(readable).not.toContain('mara');
  expect(readable).toContain('A256GCM');
});

test('an idle session ends', async () => {
  const { sessions, clock } = setUp();
  const cookie = cookieOf(await sessions.keep(sessions.start(manager)));
  clock.forward(599);
  expect(await sessions.read(cookie)).toBeDefined();
  clock.forward(2);
  expect(await sessions.read(cookie)).toBeUndefined();
});

test('a session in use ends all the same after its absolute time', async () => {
  const { sessions, clock } = setUp();
  let cookie = cookieOf(await sessions.keep(sessions.start(manager)));
  for (let passed = 0; passed < 3_500; passed += 500) {
    const session = await sessions.read(cookie);
    if (!session) throw new Error(`ended after ${passed} s`);
    cookie = cookieOf(await sessions.keep(session));
    clock.forward(500);
  }
  expect(await sessions.read(cookie)).toBeDefined();
  clock.forward(101);
  expect(await sessions.read(cookie)).toBeUndefined();
});

test('a forged, foreign or swapped cookie is no session', async () => {
  const { sessions, clock } = setUp();
  const value = cookieOf(await sessions.keep(sessions.start(manager)));
  const at = value.length - 30;
  const forged = value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1);
  const other = createSessions([randomBytes(32)], settings, clock);
  expect(await sessions.read(forged)).toBeUndefined();
  expect(await other.read(value)).toBeUndefined();
  for (const junk of [undefined, '', '__Host-rapport=', '__Host-rapport=a.b.c.d.e', '__Host-rapport=%00']) {
    expect(await sessions.read(junk)).toBeUndefined();
  }
  const signIn = cookieOf(await sessions.keepSignIn({ state: 's', nonce: 'n', verifier: 'v', returnTo: '/' }));
  expect(await sessions.read(signIn.replace('rapport-sign-in', 'rapport'))).toBeUndefined();
  expect(await sessions.readSignIn(signIn)).toMatchObject({ state: 's' });
});

test('a new key in front leaves the sessions of the old one', async () => {
  const { sessions, keys, clock } = setUp();
  const cookie = cookieOf(await sessions.keep(sessions.start(manager)));
  const rotated = createSessions([randomBytes(32), ...keys], settings, clock);
  expect(await rotated.read(cookie)).toBeDefined();
});

test('a sign-in under way ends after ten minutes', async () => {
  const { sessions, clock } = setUp();
  const cookie = cookieOf(await sessions.keepSignIn({ state: 's', nonce: 'n', verifier: 'v', returnTo: '/' }));
  clock.forward(601);
  expect(await sessions.readSignIn(cookie)).toBeUndefined();
});
