import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { client, type Principal, type Tls } from './index.js';
import { makeWorld, ProbeServiceClient, type World } from './rpc.testkit.js';

let world: World;

function openssl(...options: string[]): void {
  execFileSync('openssl', options, { cwd: world.folder, stdio: 'pipe' });
}

function authority(name: string): void {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.crt`,
  );
}

/** A certificate for a name, valid for localhost. */
function certificate(file: string, name: string, signedBy = 'ca'): void {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-addext',
    'subjectAltName=DNS:localhost',
    '-addext',
    'basicConstraints=critical,CA:FALSE',
    '-CA',
    `${signedBy}.crt`,
    '-CAkey',
    `${signedBy}.key`,
    '-keyout',
    `${file}.key`,
    '-out',
    `${file}.crt`,
  );
}

const path = (name: string) => join(world.folder, name);

function install(file: string, as: string): void {
  copyFileSync(path(`${file}.crt`), path(`${as}.crt`));
  copyFileSync(path(`${file}.key`), path(`${as}.key`));
}

function files(name: string): Tls {
  return { certificateFile: path(`${name}.crt`), keyFile: path(`${name}.key`), caFile: path('ca.crt'), reloadMs: 100 };
}

/** The name in the certificate that the server shows now. */
function served(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host: 'localhost',
        port,
        ca: readFileSync(path('ca.crt')),
        cert: readFileSync(path('alpha.crt')),
        key: readFileSync(path('alpha.key')),
        ALPNProtocols: ['h2'],
      },
      () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      },
    );
    socket.on('error', reject);
  });
}

beforeAll(() => {
  world = makeWorld();
  authority('ca');
  authority('stranger');
  certificate('one', 'rapport-one');
  certificate('two', 'rapport-two');
  certificate('alpha', 'rapport-alpha');
  certificate('intruder', 'rapport-alpha', 'stranger');
  install('one', 'server');
});
afterAll(() => world.remove());

test('the client certificate is the identity of a service, a stranger does not get in, certificates are reloaded', async () => {
  const seen: Principal[] = [];
  const server = await world.start(
    {
      getProbe: async (request, call) => {
        seen.push(call.principal);
        return request;
      },
    },
    { tls: files('server'), auth: { jwksFile: path('jwks.json'), peers: true } },
  );
  const address = `localhost:${server.port}`;
  const trusted = client(ProbeServiceClient, address, { tls: files('alpha') });
  const stranger = client(ProbeServiceClient, address, { tls: files('intruder'), attempts: 1 });
  const plain = client(ProbeServiceClient, address, { attempts: 1 });

  expect(await trusted.getProbe({ text: 'a' })).toEqual({ text: 'a' });
  expect(seen.pop()).toEqual({
    subject: 'service:alpha',
    roles: ['service', 'service:alpha'],
    orgPath: '/',
    type: 'service',
  });
  await trusted.getProbe({ text: 'a' }, { token: await world.staff(['teller']) });
  expect(seen.pop()).toMatchObject({ subject: 'staff/anna', type: 'staff' });
  await expect(stranger.getProbe({ text: 'a' }, { timeoutMs: 2_000 })).rejects.toMatchObject({ kind: 'unavailable' });
  await expect(plain.getProbe({ text: 'a' }, { timeoutMs: 2_000 })).rejects.toMatchObject({ kind: 'unavailable' });
  expect(seen).toEqual([]);

  expect(await served(server.port)).toBe('rapport-one');
  install('two', 'server');
  await sleep(600);
  expect(await served(server.port)).toBe('rapport-two');
  expect(await trusted.getProbe({ text: 'after' })).toEqual({ text: 'after' });
  const fresh = client(ProbeServiceClient, address, { tls: files('alpha') });
  expect(await fresh.getProbe({ text: 'fresh' })).toEqual({ text: 'fresh' });

  for (const one of [trusted, stranger, plain, fresh]) one.close();
  await server.stop();
});

test('a file that is not there is an error at start', async () => {
  await expect(world.start({}, { tls: files('missing') })).rejects.toThrow('ENOENT');
  expect(() => client(ProbeServiceClient, 'localhost:1', { tls: files('missing') })).toThrow('ENOENT');
});
