import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { type TestGateway, testGateway } from './gateway.testkit.js';

let directory: string;
let gateway: TestGateway;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rapport-console-'));
  mkdirSync(join(directory, 'assets'));
  writeFileSync(join(directory, 'index.html'), '<!doctype html><title>Rapport</title>');
  writeFileSync(join(directory, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(join(directory, 'assets', 'main-1a2b3c.js'), 'console.log(1)');
  writeFileSync(join(directory, '.secret'), 'no');
  gateway = testGateway({ settings: { consoleDirectory: directory } });
});

afterAll(() => {
  gateway.stop();
  rmSync(directory, { recursive: true });
});

describe('the headers', () => {
  test.each(['/', '/api/session', '/openapi.json', '/assets/none.js'])('of %s are strict', async (path) => {
    const { headers } = await supertest(gateway.app).get(path);
    const csp = String(headers['content-security-policy']);
    expect(csp).toContain("default-src 'none'");
    expect(csp).toContain("script-src 'self';");
    expect(csp).toContain("frame-ancestors 'none'");
    expect(csp).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline|\*/);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    });
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(headers['strict-transport-security']).toBeUndefined();
  });

  test('ask for https where the public address is https', async () => {
    const secure = testGateway({ settings: { publicUrl: new URL('https://rapport.test') } });
    const { headers } = await supertest(secure.app).get('/openapi.json');
    secure.stop();
    expect(headers['strict-transport-security']).toContain('max-age=31536000');
    expect(headers['content-security-policy']).toContain('upgrade-insecure-requests');
  });
});

describe('the console', () => {
  test('hashed files may be kept for a year, the page is asked for again', async () => {
    const asset = await supertest(gateway.app).get('/assets/main-1a2b3c.js').expect(200);
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    const page = await supertest(gateway.app).get('/').set('accept', 'text/html').expect(200);
    expect(page.headers['cache-control']).toBe('no-cache');
    expect(page.text).toContain('<title>Rapport</title>');
    await supertest(gateway.app).get('/favicon.svg').expect(200);
  });

  test('every page address of a browser gets the page', async () => {
    const answer = await supertest(gateway.app).get('/parties/123').set('accept', 'text/html').expect(200);
    expect(answer.text).toContain('<title>Rapport</title>');
  });

  test('what is no page is not found', async () => {
    const statusOf = async (method: 'get' | 'post', path: string, accept = 'text/html') =>
      (await supertest(gateway.app)[method](path).set('accept', accept)).status;
    expect(await statusOf('get', '/assets/gone-000000.js')).toBe(404);
    expect(await statusOf('get', '/parties/123', 'application/json')).toBe(404);
    expect(await statusOf('post', '/parties/123')).toBe(404);
    expect(await statusOf('get', '/auth/unknown')).toBe(404);
    expect(await statusOf('get', '/oidc/auth')).toBe(404);
  });

  test.each(['/.secret', '/assets/..%2f.secret', '/%2e%2e/%2e%2e/etc/passwd', '/assets/%2e%2e%2f%2e%2e%2fetc/passwd'])(
    '%s gives nothing away',
    async (path) => {
      const answer = await supertest(gateway.app).get(path);
      expect(answer.text).not.toMatch(/^no$|root:/);
    },
  );

  test('that is not built says so', async () => {
    const bare = testGateway({ settings: { consoleDirectory: join(directory, 'nowhere') } });
    const answer = await supertest(bare.app).get('/').set('accept', 'text/html').expect(404);
    bare.stop();
    expect(answer.body.detail).toBe('The console is not built.');
  });
});

describe('the rate limits', () => {
  test('a person has their own, told in problem form', async () => {
    const limited = testGateway({ settings: { userLimit: 3 } });
    const first = await limited.signIn();
    const second = await limited.signIn({
      subject: 'staff/otto',
      name: 'Otto',
      roles: ['auditor'],
      organisationPath: '/',
      team: [],
      language: 'en',
    });
    const get = (cookie: string) => supertest(limited.app).get('/api/v1/none').set('cookie', cookie);
    for (let count = 0; count < 3; count += 1) await get(first.cookie).expect(404);
    const answer = await get(first.cookie).expect(429);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect(answer.body.reason).toBe('RATE_LIMITED');
    await get(second.cookie).expect(404);
    limited.stop();
  });

  test('an address has one before anybody is known; the console files are free', async () => {
    const limited = testGateway({ settings: { addressLimit: 3, consoleDirectory: directory } });
    const statuses: number[] = [];
    for (const path of ['/api/session', '/api/session', '/api/session', '/api/session', '/auth/sign-in', '/']) {
      statuses.push((await supertest(limited.app).get(path).set('accept', 'text/html')).status);
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429, 200]);
    limited.stop();
  });

  test('a made-up X-Forwarded-For does not help', async () => {
    const limited = testGateway({ settings: { addressLimit: 2 } });
    const statuses: number[] = [];
    for (const address of ['1.1.1.1', '2.2.2.2', '3.3.3.3']) {
      statuses.push((await supertest(limited.app).get('/api/session').set('x-forwarded-for', address)).status);
    }
    expect(statuses).toEqual([401, 401, 429]);
    limited.stop();
  });
});
