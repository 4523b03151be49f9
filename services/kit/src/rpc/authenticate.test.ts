import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { logger } from '../runtime/index.js';
import { type Auth, authenticator, type Identified } from './authenticate.js';
import type { ServerCall } from './call.js';
import { client, Failure, signer } from './index.js';
import { makeWorld, openPolicy, ProbeServiceClient, temporaryFolder, writeKeys } from './rpc.testkit.js';

const folder = temporaryFolder();
const file = (name: string) => join(folder.path, `${name}.jwk.json`);

beforeAll(() => writeKeys(folder.path, 'gateway', 'operator', 'alpha'));
afterAll(() => folder.remove());

function callWith(token: string | undefined, peer?: string): ServerCall {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const sslPeerCertificate = peer && { subject: { CN: peer } };
  return { metadata, getAuthContext: () => ({ sslPeerCertificate }) } as unknown as ServerCall;
}

async function identify(token: string | undefined, auth: Auth = {}, peer?: string): Promise<Identified> {
  return authenticator({ jwksFile: join(folder.path, 'jwks.json'), ...auth })(callWith(token, peer));
}

async function refusal(token: string | undefined, auth?: Auth, peer?: string): Promise<string> {
  const error = await identify(token, auth, peer).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure) || error.kind !== 'unauthenticated') throw new Error(`not refused: ${String(error)}`);
  return error.reason;
}

const staff = { typ: 'staff', sub: 'staff/anna', roles: ['marketer'], orgPath: '/berka/prague' } as const;

test('a token of staff is believed from the gateway and the operator', async () => {
  for (const kid of ['gateway', 'operator']) {
    const { principal } = await identify(await signer(file(kid)).sign(staff));
    const { typ: type, sub: subject, ...rest } = staff;
    expect(principal).toEqual({ ...rest, subject, type, team: [] });
  }
});

test('a token says whom a member of staff stands in for', async () => {
  const team = ['staff/bob', 'staff/eve'];
  const { principal } = await identify(await signer(file('gateway')).sign({ ...staff, team }));
  expect(principal.team).toEqual(team);
});

const service = { subject: 'service:alpha', type: 'service', roles: ['service', 'service:alpha'] };

test('a service is believed about itself and gets the roles of a service whatever it claims', async () => {
  const token = await signer(file('alpha')).sign({ typ: 'service', sub: 'service:alpha' });
  expect((await identify(token)).principal).toMatchObject(service);
});

test.each([
  ['roles that would be two in a list', { roles: ['analyst,operator'] }],
  ['a role of a service', { roles: ['analyst', 'service:alpha'] }],
  ['an empty role', { roles: [''] }],
  ['an endless role', { roles: ['a'.repeat(65)] }],
  ['too many roles', { roles: Array.from({ length: 33 }, (_, index) => `role_${index}`) }],
  ['no path', { orgPath: '' }],
  ['a path with a step up', { orgPath: '/berka/../demo' }],
  ['a path with an empty segment', { orgPath: '/berka//1' }],
  ['a path that ends in a slash', { orgPath: '/berka/' }],
  ['a path with a line end', { orgPath: '/berka\n' }],
  ['no subject', { sub: '' }],
  ['a team of two in one name', { team: ['staff/bob,staff/eve'] }],
  ['a team of nobody', { team: [''] }],
  ['an endless team', { team: Array.from({ length: 101 }, (_, index) => `staff/s${index}`) }],
  ['an endless subject', { sub: `staff/${'a'.repeat(200)}` }],
])('a token of staff with %s is refused', async (_what, claims) => {
  expect(await refusal(await signer(file('gateway')).sign({ ...staff, ...claims }))).toBe('TOKEN_INVALID');
});

test('what is refused', async () => {
  const alpha = signer(file('alpha'));
  const gateway = signer(file('gateway'));
  expect(await refusal(undefined)).toBe('CREDENTIALS_MISSING');
  expect(await refusal('nonsense')).toBe('TOKEN_INVALID');
  expect(await refusal(await alpha.sign(staff))).toBe('TOKEN_SIGNER');
  expect(await refusal(await alpha.sign({ typ: 'service', sub: 'service:beta' }))).toBe('TOKEN_SIGNER');
  expect(await refusal(await gateway.sign(staff, -60_000))).toBe('TOKEN_EXPIRED');
  expect(await refusal(await gateway.sign({ ...staff, sub: 'service:alpha' }))).toBe('TOKEN_INVALID');
  expect(await refusal(await gateway.sign({ ...staff, roles: ['service'] }))).toBe('TOKEN_INVALID');
  expect(await refusal(await gateway.sign({ ...staff, orgPath: 'berka' }))).toBe('TOKEN_INVALID');

  const stranger = temporaryFolder();
  writeKeys(stranger.path, 'gateway', 'mallory');
  const forged = signer(join(stranger.path, 'gateway.jwk.json'));
  const unknown = signer(join(stranger.path, 'mallory.jwk.json'));
  expect(await refusal(await forged.sign(staff))).toBe('TOKEN_INVALID');
  expect(await refusal(await unknown.sign(staff))).toBe('TOKEN_INVALID');
  stranger.remove();
});

test('a remembered token still expires', async () => {
  const check = authenticator({ jwksFile: join(folder.path, 'jwks.json') });
  const call = callWith(await signer(file('gateway')).sign(staff, 1_000));
  await check(call);
  jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000);
  jest.useFakeTimers({ now: Date.now() + 60_000 });
  await expect(Promise.resolve(check(call))).rejects.toMatchObject({ reason: 'TOKEN_EXPIRED' });
  jest.useRealTimers();
  jest.restoreAllMocks();
});

test('a client certificate stands for a service only where peers are accepted', async () => {
  expect(await refusal(undefined, {}, 'rapport-alpha')).toBe('CREDENTIALS_MISSING');
  const { principal } = await identify(undefined, { peers: true }, 'rapport-alpha');
  expect(principal).toMatchObject(service);
  expect(await refusal(undefined, { peers: true }, 'someone-else')).toBe('CREDENTIALS_MISSING');
});

test('new keys are found when a token names them, and removed keys are no longer believed', async () => {
  const own = temporaryFolder();
  writeKeys(own.path, 'gateway');
  const check = authenticator({ jwksFile: join(own.path, 'jwks.json') });
  const old = callWith(await signer(join(own.path, 'gateway.jwk.json')).sign(staff));
  await check(old);
  writeKeys(own.path, 'gateway', 'operator');
  jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 1_500);
  const fresh = callWith(await signer(join(own.path, 'operator.jwk.json')).sign(staff));
  expect(await check(fresh)).toMatchObject({ principal: { subject: 'staff/anna' } });
  await expect(Promise.resolve(check(old))).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
  jest.restoreAllMocks();
  own.remove();
});

test('keys come from a URL; while it fails the last good ones hold', async () => {
  const logged = jest.spyOn(logger, 'error').mockImplementation(() => undefined);
  let healthy = false;
  const server = createServer((_request, response) => {
    response.statusCode = healthy ? 200 : 500;
    response.end(readFileSync(join(folder.path, 'jwks.json')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  const check = authenticator({ jwksUrl });
  const call = async () => check(callWith(await signer(file('gateway')).sign(staff)));
  await expect(call()).rejects.toMatchObject({ reason: 'KEYS_UNAVAILABLE', kind: 'unavailable' });
  healthy = true;
  expect(await call()).toMatchObject({ principal: { type: 'staff' } });
  healthy = false;
  const later = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 301_000);
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'setTimeout', 'queueMicrotask'], now: Date.now() });
  expect(await call()).toMatchObject({ principal: { type: 'staff' } });
  jest.useRealTimers();
  later.mockRestore();
  expect(logged).toHaveBeenCalled();
  logged.mockRestore();
  server.close();
});

test('over gRPC: no token and no permission are told apart', async () => {
  const world = makeWorld(openPolicy.replace('resource\n)', 'resource\n) when { principal.roles.contains("teller") }'));
  const server = await world.start({});
  const remote = client(ProbeServiceClient, `127.0.0.1:${server.port}`);
  await expect(remote.getProbe({ text: 'a' })).rejects.toMatchObject({ kind: 'unauthenticated' });
  const clerk = await world.staff(['clerk']);
  await expect(remote.getProbe({ text: 'a' }, { token: clerk })).rejects.toMatchObject({
    kind: 'denied',
    reason: 'PERMISSION_DENIED',
  });
  await expect(remote.collectProbes([{ text: 'a' }], { token: clerk })).rejects.toMatchObject({ kind: 'denied' });
  const teller = await world.staff(['teller']);
  await expect(remote.getProbe({ text: 'a' }, { token: teller })).resolves.toEqual({ text: 'a' });
  remote.close();
  await server.stop();
  world.remove();
});
