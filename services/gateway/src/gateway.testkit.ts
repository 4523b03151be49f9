import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Clock } from '@rapport/kit/runtime';
import { descriptorSet } from '@rapport/proto';
import { testAuth } from '@rapport/test/kit';
import type { Express } from 'express';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Deps, Settings } from './deps.js';
import { openIdentity } from './identity/identity.js';
import { createApp } from './server.js';
import { createSessions, type Person, type Session } from './session/session.js';
import { openProvider } from './signin/signin.js';
import { readContract } from './transcoding/transcoding.js';
import { openUpstream } from './upstream/upstream.js';

/** A clock that moves only when told. */
export interface TestClock extends Clock {
  forward(seconds: number): void;
}

export function testClock(): TestClock {
  let now = Date.now();
  return {
    now: () => new Date(now),
    forward: (seconds) => {
      now += seconds * 1000;
    },
  };
}

/** Starts a real gRPC server with the given services; answers its address. */
export async function grpcServer(
  services: [ServiceDefinition, UntypedServiceImplementation][],
): Promise<{ address: string; stop(): void }> {
  const server = new Server();
  for (const [definition, implementation] of services) server.addService(definition, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() };
}

/** A provider that only publishes its metadata and keys, and signs whatever it is asked to. */
export async function testIssuer(): Promise<{
  issuer: URL;
  sign(claims: Record<string, unknown>, audience?: string, lifetimeSeconds?: number): Promise<string>;
  stop(): Promise<void>;
}> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' };
  const server: HttpServer = createServer((request, response) => {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': {
        issuer: origin,
        jwks_uri: `${origin}/jwks`,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        end_session_endpoint: `${origin}/end`,
      },
      '/jwks': { keys: [jwk] },
    };
    const document = documents[request.url ?? ''];
    response.statusCode = document ? 200 : 404;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    issuer,
    sign: async (claims, audience = 'rapport', lifetimeSeconds = 60) =>
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: 'test' })
        .setIssuer(issuer.origin)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1000) + lifetimeSeconds)
        .sign(privateKey),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export const origin = 'http://rapport.test';

export const manager: Person = {
  subject: 'staff/mara.manager',
  name: 'Mara',
  roles: ['relationship_manager'],
  organisationPath: '/demo/1',
  team: [],
  language: 'en',
};

export interface TestGateway {
  app: Express;
  clock: TestClock;
  /** Cookie header of a fresh session of the person. */
  signIn(person?: Person): Promise<{ session: Session; cookie: string }>;
  stop(): void;
}

/** The gateway in this process, in front of the services at `addresses`. */
export function testGateway(options: {
  addresses?: Record<string, string>;
  issuer?: URL;
  settings?: Partial<Settings>;
}): TestGateway {
  const clock = testClock();
  const domains = ['customer', 'segmentation', 'marketing', 'cases', 'performance', 'reporting'];
  const contract = readContract(descriptorSet(), domains);
  const sessions = createSessions(
    [randomBytes(32)],
    { idleSeconds: 600, absoluteSeconds: 3_600, secure: false },
    clock,
  );
  const deps: Deps = {
    clock,
    contract,
    upstream: openUpstream(options.addresses ?? {}, contract.bindings),
    identity: openIdentity(testAuth().keyFile('gateway'), clock),
    sessions,
    provider: openProvider({
      issuer: options.issuer ?? new URL('http://127.0.0.1:1'),
      clientId: 'rapport-console',
      scope: 'openid',
      audience: 'rapport',
      roleNames: { 'CRM-RM': 'relationship_manager' },
      claims: {
        staffId: 'staff_id',
        name: 'name',
        roles: 'realm.roles',
        organisationPath: 'org_path',
        team: 'team',
        language: 'locale',
      },
      redirectUri: new URL('/auth/callback', origin),
      signedOutUri: new URL('/', origin),
    }),
    settings: {
      publicUrl: new URL(origin),
      callTimeoutMs: 2_000,
      streamTimeoutMs: 5_000,
      userLimit: 10_000,
      addressLimit: 10_000,
      trustedProxies: 0,
      ...options.settings,
    },
  };
  return {
    app: createApp(deps, { version: '0.0.0' }),
    clock,
    async signIn(person = manager) {
      const session = sessions.start(person);
      const cookie = (await sessions.keep(session)).split(';')[0] ?? '';
      return { session, cookie };
    },
    stop: () => deps.upstream.close(),
  };
}
