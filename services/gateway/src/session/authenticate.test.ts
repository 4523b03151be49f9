import { CasesServiceService } from '@rapport/proto/cases/v1';
import supertest from 'supertest';
import { grpcServer, origin, type TestGateway, testGateway, testIssuer } from '../gateway.testkit.js';

let service: Awaited<ReturnType<typeof grpcServer>>;
let issuer: Awaited<ReturnType<typeof testIssuer>>;
let gateway: TestGateway;
let calls = 0;

beforeAll(async () => {
  const answer = (_call: unknown, respond: (error: null, value: object) => void): void => {
    calls += 1;
    respond(null, {});
  };
  const every = Object.fromEntries(Object.keys(CasesServiceService).map((name) => [name, answer]));
  // The encoders want whole messages; an empty answer is one for all methods.
  const definition = Object.fromEntries(
    Object.entries(CasesServiceService).map(([name, method]) => [
      name,
      { ...method, responseSerialize: () => Buffer.alloc(0) },
    ]),
  );
  service = await grpcServer([[definition, every]]);
  issuer = await testIssuer();
  gateway = testGateway({ addresses: { cases: service.address }, issuer: issuer.issuer });
});

afterAll(async () => {
  gateway.stop();
  service.stop();
  await issuer.stop();
});

beforeEach(() => {
  calls = 0;
});

const claims = {
  sub: 'machine-1',
  staff_id: 'machine',
  realm: { roles: ['CRM-RM', 'operator', 'offline_access'] },
  org_path: '/demo',
  locale: 'zh-CN',
};

describe('without a caller', () => {
  test.each([
    ['get', '/api/v1/cases'],
    ['get', '/api/session'],
    ['get', '/api/v1/no/such/path'],
    ['post', '/api/v1/cases'],
    ['post', '/auth/sign-out'],
  ] as const)('%s %s is a 401 problem', async (method, path) => {
    const answer = await supertest(gateway.app)[method](path).expect(401);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.headers['www-authenticate']).toContain('Bearer');
    expect(answer.body).toMatchObject({ type: 'urn:rapport:problem:NOT_SIGNED_IN', status: 401 });
    expect(calls).toBe(0);
  });
});

describe('with a session', () => {
  test('the session says who it is and how to change things', async () => {
    const { cookie, session } = await gateway.signIn();
    const answer = await supertest(gateway.app).get('/api/session').set('cookie', cookie).expect(200);
    expect(answer.body).toMatchObject({
      subject: 'staff/mara.manager',
      roles: ['relationship_manager'],
      organisationPath: '/demo/1',
      language: 'en',
      csrf: session.csrf,
    });
    expect(new Date(answer.body.expireTime).getTime()).toBeGreaterThan(gateway.clock.now().getTime());
  });

  test('a change needs the token of the session and this origin', async () => {
    const { cookie, session } = await gateway.signIn();
    const other = await gateway.signIn();
    const post = (headers: Record<string, string>) =>
      supertest(gateway.app)
        .post('/api/v1/cases')
        .set({ cookie, ...headers })
        .send({});
    expect((await post({}).expect(403)).body.reason).toBe('ORIGIN_REFUSED');
    expect((await post({ origin: 'http://evil.test', 'x-rapport-csrf': session.csrf }).expect(403)).body.reason).toBe(
      'ORIGIN_REFUSED',
    );
    expect((await post({ origin: 'null', 'x-rapport-csrf': session.csrf }).expect(403)).body.reason).toBe(
      'ORIGIN_REFUSED',
    );
    expect((await post({ origin }).expect(403)).body.reason).toBe('CSRF_REFUSED');
    expect((await post({ origin, 'x-rapport-csrf': other.session.csrf }).expect(403)).body.reason).toBe('CSRF_REFUSED');
    expect(calls).toBe(0);
    await post({ origin, 'x-rapport-csrf': session.csrf }).expect(200);
    expect(calls).toBe(1);
  });

  test('signing out needs them too and clears the cookie', async () => {
    const { cookie, session } = await gateway.signIn();
    await supertest(gateway.app).post('/auth/sign-out').set({ cookie, origin }).expect(403);
    const answer = await supertest(gateway.app)
      .post('/auth/sign-out')
      .set({ cookie, origin, 'x-rapport-csrf': session.csrf })
      .expect(200);
    expect(answer.headers['set-cookie']).toEqual([expect.stringMatching(/^rapport=; Max-Age=0;.*HttpOnly/)]);
    expect(answer.body.location).toMatch(new RegExp(`^${issuer.issuer.origin}/end\\?.*post_logout_redirect_uri=`));
  });

  test('using it keeps it alive, idling ends it', async () => {
    const { cookie } = await gateway.signIn();
    const get = (with_: string) => supertest(gateway.app).get('/api/v1/cases').set('cookie', with_);
    expect((await get(cookie).expect(200)).headers['set-cookie']).toBeUndefined();
    gateway.clock.forward(500);
    const [renewed = ''] = (await get(cookie).expect(200)).headers['set-cookie'] as unknown as string[];
    gateway.clock.forward(500);
    expect((await get(cookie).expect(401)).body.reason).toBe('NOT_SIGNED_IN');
    await get(renewed.split(';')[0] ?? '').expect(200);
    gateway.clock.forward(601);
    await get(renewed.split(';')[0] ?? '').expect(401);
  });
});

describe('with a bearer token', () => {
  const call = (token: string) =>
    supertest(gateway.app).post('/api/v1/cases').set('authorization', `Bearer ${token}`).send({});

  test('of the provider, the call is made without CSRF token', async () => {
    await call(await issuer.sign(claims)).expect(200);
    expect(calls).toBe(1);
  });

  test('only known roles count, renamed where the bank names them otherwise', async () => {
    const token = await issuer.sign(claims);
    const answer = await supertest(gateway.app).get('/api/session').set('authorization', `Bearer ${token}`).expect(200);
    expect(answer.body).toMatchObject({ subject: 'staff/machine', roles: ['relationship_manager'], language: 'zh' });
    expect(answer.body.csrf).toBeUndefined();
  });

  test.each([
    ['for another audience', () => issuer.sign(claims, 'rapport-console')],
    ['that has expired', () => issuer.sign(claims, 'rapport', -60)],
    ['without a known role', () => issuer.sign({ ...claims, realm: { roles: ['operator', 'service'] } })],
    ['without an organisation path', () => issuer.sign({ ...claims, org_path: undefined })],
    ['with a crooked organisation path', () => issuer.sign({ ...claims, org_path: '/demo/../other' })],
    ['without a staff id', () => issuer.sign({ ...claims, staff_id: undefined })],
    ['with a service as its staff id', () => issuer.sign({ ...claims, staff_id: 'service:customer' })],
    ['of somebody else', async () => (await otherIssuer()).token],
    ['that is none', async () => 'abc'],
  ])('%s, it is refused', async (_, make) => {
    const answer = await call(await make()).expect(401);
    expect(answer.body.reason).toBe('TOKEN_REFUSED');
    expect(calls).toBe(0);
  });

  test('a bad token is not made up for by a good cookie', async () => {
    const { cookie } = await gateway.signIn();
    await supertest(gateway.app).get('/api/v1/cases').set({ cookie, authorization: 'Bearer x' }).expect(401);
    await supertest(gateway.app).get('/api/v1/cases').set({ cookie, authorization: 'Basic eDp5' }).expect(401);
    expect(calls).toBe(0);
  });

  test('a provider that is away is 503', async () => {
    const lonely = testGateway({ addresses: { cases: service.address } });
    const answer = await supertest(lonely.app).get('/api/v1/cases').set('authorization', 'Bearer x.y.z').expect(503);
    lonely.stop();
    expect(answer.body.reason).toBe('PROVIDER_UNAVAILABLE');
  });
});

async function otherIssuer(): Promise<{ token: string }> {
  const other = await testIssuer();
  const token = await other.sign({ ...claims, iss: issuer.issuer.origin });
  await other.stop();
  return { token };
}
