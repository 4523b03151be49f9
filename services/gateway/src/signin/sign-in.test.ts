import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { testAuth } from '@rapport/test/kit';
import { safeReturn } from './signin.js';

const root = resolve(__dirname, '../../../..');
const node = join(root, 'node_modules/.bin/node');
const main = join(root, 'services/gateway/dist/main.js');
const password = 'correct horse battery staple';

let directory: string;
let gateway: ChildProcess;
let origin: string;
let ops: string;
let environment: NodeJS.ProcessEnv;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A browser as far as cookies and redirects go; keeps cookies by name and path. */
function browser(language = 'en') {
  const jar = new Map<string, { name: string; value: string; path: string }>();

  async function go(address: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(address, origin);
    const cookies = [...jar.values()].filter(({ path }) => url.pathname === path || url.pathname.startsWith(path));
    const headers = {
      cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; '),
      'accept-language': language,
      ...(init.headers as Record<string, string>),
    };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(/; ?/);
      const [name = '', value = ''] = pair.split(/=(.*)/s);
      const path = attributes.find((text) => /^path=/i.test(text))?.slice(5) ?? '/';
      const ended = attributes.some((text) => /^max-age=0$/i.test(text) || /^expires=Thu, 01 Jan 1970/i.test(text));
      if (ended) jar.delete(`${name} ${path}`);
      else jar.set(`${name} ${path}`, { name, value, path });
    }
    return response;
  }

  /** Follows redirects until a page comes; answers it with its address. */
  async function follow(address: string): Promise<{ response: Response; url: URL; hops: string[] }> {
    let url = new URL(address, origin);
    const hops: string[] = [];
    for (let count = 0; count < 10; count += 1) {
      const response = await go(url.href);
      const location = response.headers.get('location');
      if (location === null) return { response, url, hops };
      url = new URL(location, url);
      hops.push(url.pathname);
      if (url.origin !== origin || !/^\/(auth|oidc)\//.test(url.pathname)) return { response, url, hops };
    }
    throw new Error('too many redirects');
  }

  const submit = (action: string, fields: Record<string, string>, from = origin): Promise<Response> =>
    go(action, { method: 'POST', body: new URLSearchParams(fields), headers: { origin: from } });

  async function signIn(username: string, returnTo = '/'): Promise<{ url: URL; session: Record<string, unknown> }> {
    const { response, url } = await follow(`/auth/sign-in?return_to=${encodeURIComponent(returnTo)}`);
    expect(response.status).toBe(200);
    const answer = await submit(url.pathname, { username, password });
    expect(answer.status).toBe(303);
    const end = await follow(answer.headers.get('location') ?? '');
    const session = await go('/api/session');
    expect(session.status).toBe(200);
    return { url: end.url, session: (await session.json()) as Record<string, unknown> };
  }

  return { go, follow, submit, signIn, jar };
}

beforeAll(async () => {
  execFileSync(node, [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'services/gateway'], { cwd: root });
  directory = mkdtempSync(join(tmpdir(), 'rapport-sign-in-'));
  const users = join(directory, 'users.json');
  const demo = { ...process.env, DEMO_PASSWORD: password, DEMO_ORGANISATION_PATH: '/demo' };
  execFileSync(node, [main, 'demo-users', users], { env: demo });
  const sessionKey = join(directory, 'session-key');
  writeFileSync(sessionKey, randomBytes(32).toString('base64'));
  const [http, metrics] = [await freePort(), await freePort()];
  origin = `http://127.0.0.1:${http}`;
  ops = `http://127.0.0.1:${metrics}`;
  environment = {
    PATH: process.env.PATH,
    HTTP_ADDRESS: `127.0.0.1:${http}`,
    OPS_ADDRESS: `127.0.0.1:${metrics}`,
    PUBLIC_URL: origin,
    GATEWAY_KEY_FILE: testAuth().keyFile('gateway'),
    SESSION_KEY_FILE: sessionKey,
    DEMO_USERS_FILE: users,
    PASSWORD_LIMIT_PER_MINUTE: '20',
    DRAIN_MS: '10',
  };
  gateway = spawn(node, [main], { env: environment, stdio: ['ignore', 'ignore', 'inherit'] });
  for (let count = 0; count < 100; count += 1) {
    if (
      await fetch(`${ops}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    await sleep(100);
  }
  throw new Error('the gateway did not become ready');
}, 60_000);

afterAll(() => {
  gateway?.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

test('signing in goes over the provider and back to where one wanted to go', async () => {
  const user = browser();
  const before = await user.go('/api/session');
  expect(before.status).toBe(401);

  const start = await user.go('/auth/sign-in?return_to=%2Fparties%3Fq%3D1');
  expect(start.status).toBe(303);
  const authorize = new URL(start.headers.get('location') ?? '');
  expect(authorize.pathname).toBe('/oidc/auth');
  expect(Object.fromEntries(authorize.searchParams)).toMatchObject({
    response_type: 'code',
    code_challenge_method: 'S256',
    redirect_uri: `${origin}/auth/callback`,
    prompt: 'login',
  });

  const { url, session } = await user.signIn('mara.manager', '/parties?q=1');
  expect(url.pathname + url.search).toBe('/parties?q=1');
  expect(session).toMatchObject({
    subject: 'staff/demo-north-1-s2',
    roles: ['relationship_manager'],
    organisationPath: '/demo/north/1',
    language: 'en',
  });
  expect(session.csrf).toEqual(expect.any(String));
  expect([...user.jar.values()].map(({ name }) => name)).not.toContain('rapport-sign-in');
});

test('every role has its person', async () => {
  const users = JSON.parse(readFileSync(join(directory, 'users.json'), 'utf8')) as { roles: string[] }[];
  expect(users.flatMap(({ roles }) => roles).toSorted()).toEqual([
    'administrator',
    'analyst',
    'auditor',
    'branch_manager',
    'call_centre_agent',
    'data_steward',
    'marketer',
    'marketing_approver',
    'privacy_officer',
    'relationship_manager',
  ]);
  const { session } = await browser().signIn('mei.marketer');
  expect(session).toMatchObject({ roles: ['marketer'], organisationPath: '/demo', language: 'zh' });
});

test('the page speaks the language of the browser and works without scripts', async () => {
  const english = await browser('en-GB').follow('/auth/sign-in');
  const text = await english.response.text();
  expect(text).toContain('<html lang="en">');
  expect(text).toMatch(/<label for="username">User name<\/label>/);
  expect(text).toMatch(/<label for="password">Password<\/label>/);
  expect(text).not.toContain('<script');
  expect(english.response.headers.get('content-security-policy')).toContain("form-action 'self'");
  const chinese = await (await browser('zh-CN,zh;q=0.9').follow('/auth/sign-in')).response.text();
  expect(chinese).toContain('<html lang="zh-CN">');
  expect(chinese).toContain('用户名');
  const wished = await (await browser('en').follow('/auth/sign-in?lang=zh')).response.text();
  expect(wished).toContain('<html lang="zh-CN">');
});

test('a wrong password or an unknown user is told the same and starts no session', async () => {
  const user = browser();
  const { url } = await user.follow('/auth/sign-in');
  const wrong = await user.submit(url.pathname, { username: 'mara.manager', password: 'wrong' });
  const unknown = await user.submit(url.pathname, { username: 'nobody"><b>', password: 'wrong' });
  const none = await user.submit(url.pathname, {});
  const texts = [await wrong.text(), await unknown.text(), await none.text()];
  expect([wrong.status, unknown.status, none.status]).toEqual([401, 401, 401]);
  expect(texts[0]).toContain('role="alert"');
  expect(new Set(texts).size).toBe(1);
  expect((await user.go('/api/session')).status).toBe(401);
  // The same page still takes the right one.
  const right = await user.submit(url.pathname, { username: 'mara.manager', password });
  expect(right.status).toBe(303);
});

test('the form is taken only from the page itself, by the browser that began', async () => {
  const user = browser();
  const { url } = await user.follow('/auth/sign-in');
  const foreign = await user.submit(url.pathname, { username: 'mara.manager', password }, 'http://evil.test');
  expect(foreign.status).toBe(400);
  const other = await browser().submit(url.pathname, { username: 'mara.manager', password });
  expect(other.status).toBe(400);
});

test('a callback that was not asked for, forged or used twice starts no session', async () => {
  const user = browser();
  const unasked = await user.go('/auth/callback?code=abc&state=def');
  expect(unasked.status).toBe(400);
  expect(await unasked.text()).toContain('role="alert"');

  const start = await user.follow('/auth/sign-in');
  const forged = await user.go('/auth/callback?code=abc&state=def');
  expect(forged.status).toBe(400);
  expect((await user.go('/api/session')).status).toBe(401);

  // The forged callback ended that sign-in: its state is gone from the browser.
  const answer = await user.submit(start.url.pathname, { username: 'mara.manager', password });
  const end = await user.follow(answer.headers.get('location') ?? '');
  expect(end.response.status).toBe(400);
  expect((await user.go('/api/session')).status).toBe(401);
});

test('signing out ends the session, and the next sign-in asks for the password again', async () => {
  const user = browser();
  const { session } = await user.signIn('otto.auditor');
  const refused = await user.go('/auth/sign-out', { method: 'POST', headers: { origin } });
  expect(refused.status).toBe(403);
  const headers = { origin, 'x-rapport-csrf': String(session.csrf) };
  const done = await user.go('/auth/sign-out', { method: 'POST', headers });
  expect(done.status).toBe(200);
  expect(await done.json()).toEqual({ location: '/' });
  expect((await user.go('/api/session')).status).toBe(401);
  const { url } = await user.follow('/auth/sign-in');
  expect(url.pathname).toMatch(/^\/oidc\/interaction\//);
});

test('somebody under another host name is sent to the public one first', async () => {
  const { port } = new URL(origin);
  const answer = await fetch(`http://localhost:${port}/auth/sign-in?return_to=/x`, { redirect: 'manual' });
  expect(answer.headers.get('location')).toBe(`${origin}/auth/sign-in?return_to=%2Fx&canonical=1`);
});

test('guessing passwords is slowed down', async () => {
  const user = browser();
  const { url } = await user.follow('/auth/sign-in');
  const statuses: number[] = [];
  for (let count = 0; count < 21; count += 1) {
    statuses.push((await user.submit(url.pathname, { username: 'mara.manager', password: 'guess' })).status);
  }
  expect(statuses.at(-1)).toBe(429);
});

test.each([
  ['/parties?q=1', '/parties?q=1'],
  ['//evil.test', '/'],
  ['/\\evil.test', '/'],
  ['https://evil.test', '/'],
  ['/a\r\nset-cookie: x', '/'],
  [undefined, '/'],
  [['/a', '/b'], '/'],
])('returning to %s means %s', (wish, path) => {
  expect(safeReturn(wish)).toBe(path);
});

test('the operations port tells liveness and readiness', async () => {
  expect((await fetch(`${ops}/livez`)).status).toBe(200);
  expect((await fetch(`${ops}/readyz`)).status).toBe(200);
});

test('a wrong configuration says everything that is wrong, without values', async () => {
  const { OPS_ADDRESS: _, DEMO_USERS_FILE: __, ...rest } = environment;
  const child = spawn(node, [main], { env: { ...rest, PUBLIC_URL: 'ftp://x', CALL_TIMEOUT_MS: 'soon' } });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [code] = await once(child, 'exit');
  expect(code).toBe(2);
  for (const name of ['OPS_ADDRESS', 'PUBLIC_URL', 'CALL_TIMEOUT_MS']) expect(text).toContain(name);
  expect(text).not.toContain('soon');
});

test('without a provider of the bank and without the embedded one, it says what to do', async () => {
  const hook = join(directory, 'absent.cjs');
  writeFileSync(
    hook,
    `require('node:module').registerHooks({ resolve(name, context, next) {
      if (name === 'oidc-provider') throw new Error('not installed');
      return next(name, context);
    } });`,
  );
  const ports = { HTTP_ADDRESS: '127.0.0.1:0', OPS_ADDRESS: '127.0.0.1:0' };
  const child = spawn(node, ['--require', hook, main], { env: { ...environment, ...ports } });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [code] = await once(child, 'exit');
  expect(code).toBe(1);
  expect(text).toContain('set OIDC_ISSUER');
});

test('it leaves cleanly at SIGTERM', async () => {
  gateway.kill('SIGTERM');
  const [code] = await once(gateway, 'exit');
  expect(code).toBe(0);
});
