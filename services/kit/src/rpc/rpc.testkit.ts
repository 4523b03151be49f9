// What the tests of this door share: a probe service with every kind of method, keys, policies and a server with them.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { createHealth } from '../runtime/index.js';
import {
  type Call,
  client,
  Failure,
  type Handlers,
  type Identity,
  type Principal,
  route,
  type ServerOptions,
  signer,
  startServer,
} from './index.js';

/** The one message of the probe service; it is not called Echo because the answers differ too. */
export interface Probe {
  text: string;
}

function encode({ text }: Probe): Buffer {
  return Buffer.from(new BinaryWriter().tag(1, 2).string(text).finish());
}

function decode(bytes: Buffer): Probe {
  const reader = new BinaryReader(bytes);
  let text = '';
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) text = reader.string();
    else reader.skip(wireType);
  }
  return { text };
}

const codec = {
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode,
};

const unary = { ...codec, requestStream: false as const, responseStream: false as const };
const prefix = '/rapport.probe.v1.ProbeService';

/** A service with every kind of method. */
export const ProbeService = {
  getProbe: { ...unary, path: `${prefix}/GetProbe` },
  changeProbe: { ...unary, path: `${prefix}/ChangeProbe` },
  collectProbes: { ...unary, path: `${prefix}/CollectProbes`, requestStream: true as const },
  watchProbes: { ...unary, path: `${prefix}/WatchProbes`, responseStream: true as const },
  chatProbes: { ...unary, path: `${prefix}/ChatProbes`, requestStream: true as const, responseStream: true as const },
};

/** Stands where ts-proto generates a client. */
export const ProbeServiceClient = { service: ProbeService };

/** The descriptor image of the probe service: two files, one importing the other, as reflection has to resolve. */
export function probeImage(): Buffer {
  const message = create(FileDescriptorProtoSchema, {
    name: 'rapport/probe/v1/probe.proto',
    package: 'rapport.probe.v1',
    syntax: 'proto3',
    messageType: [
      {
        name: 'Probe',
        field: [
          {
            name: 'text',
            jsonName: 'text',
            number: 1,
            type: FieldDescriptorProto_Type.STRING,
            label: FieldDescriptorProto_Label.OPTIONAL,
          },
        ],
      },
    ],
  });
  const type = '.rapport.probe.v1.Probe';
  const service = create(FileDescriptorProtoSchema, {
    name: 'rapport/probe/v1/probe_service.proto',
    package: 'rapport.probe.v1',
    syntax: 'proto3',
    dependency: ['rapport/probe/v1/probe.proto'],
    service: [
      {
        name: 'ProbeService',
        method: Object.values(ProbeService).map((method) => ({
          name: method.path.split('/')[2],
          inputType: type,
          outputType: type,
          clientStreaming: method.requestStream,
          serverStreaming: method.responseStream,
        })),
      },
    ],
  });
  return Buffer.from(toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [message, service] })));
}

/** Everybody may call every probe; how each role is limited is what the policy tests are about. */
export const openPolicy = `
permit (
  principal,
  action in [
    ${Object.values(ProbeService)
      .map((method) => `Action::"${method.path.slice(1)}"`)
      .join(',\n    ')}
  ],
  resource
);`;

/** A folder that is removed by `remove`. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'rapport-rpc-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Keys of the given identities: `jwks.json` and `<identity>.jwk.json` in the folder. */
export function writeKeys(folder: string, ...identities: string[]): void {
  const keys = identities.map((kid) => {
    const jwk = { ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }), kid, alg: 'EdDSA' };
    writeFileSync(join(folder, `${kid}.jwk.json`), JSON.stringify(jwk));
    return { ...jwk, d: undefined };
  });
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys }));
}

/** Where one set of servers lives: keys for gateway, operator, alpha and beta, and a folder of policies. */
export interface World {
  folder: string;
  staff(roles: string[], orgPath?: string, subject?: string): Promise<string>;
  identity(name: string): Identity;
  options(overrides?: Partial<ServerOptions>): Omit<ServerOptions, 'routes'>;
  start(handlers: Partial<Handlers<typeof ProbeService>>, overrides?: Partial<ServerOptions>): Started;
  remove(): void;
}

type Started = ReturnType<typeof startServer>;

/** Sets up a world whose policies are the given text. */
export function makeWorld(policies = openPolicy): World {
  const { path: folder, remove } = temporaryFolder();
  writeKeys(folder, 'gateway', 'operator', 'alpha', 'beta');
  const policyFolder = mkdtempSync(join(folder, 'policies-'));
  writeFileSync(join(policyFolder, 'probe.cedar'), policies);
  const keyOf = (name: string) => signer(join(folder, `${name}.jwk.json`));

  const options: World['options'] = (overrides) => ({
    address: '127.0.0.1:0',
    policies: policyFolder,
    auth: { jwksFile: join(folder, 'jwks.json') },
    validation: probeImage(),
    health: createHealth(),
    ...overrides,
  });
  return {
    folder,
    remove,
    options,
    staff: (roles, orgPath = '/berka', subject = 'staff/anna') =>
      keyOf('gateway').sign({ typ: 'staff', sub: subject, roles, orgPath }),
    identity: (name) => ({ token: () => keyOf(name).sign({ typ: 'service', sub: `service:${name}` }) }),
    start: (handlers, overrides) =>
      startServer({ ...options(overrides), routes: [route(ProbeService, { ...idle, ...handlers })] }),
  };
}

const idle: Handlers<typeof ProbeService> = {
  getProbe: async (request) => request,
  changeProbe: async (request) => request,
  collectProbes: async (requests) => {
    const texts: string[] = [];
    for await (const { text } of requests) texts.push(text);
    return { text: texts.join(',') };
  },
  watchProbes: async function* ({ text }) {
    for (const letter of text) yield { text: letter };
  },
  chatProbes: async function* (requests) {
    for await (const { text } of requests) yield { text: text.toUpperCase() };
  },
};

/** As much of a call as the helpers that take one look at. */
export function callOf(principal: Partial<Principal> = {}, method = 'rapport.probe.v1.ProbeService/ChangeProbe'): Call {
  const subject = { subject: 'staff/anna', roles: [], orgPath: '/berka', type: 'staff' as const, ...principal };
  return { principal: subject, method, scope: { kind: 'everything' } } as unknown as Call;
}

/**
 * A fresh world for each test of a file, with what was started in it stopped afterwards: `probe` starts a server with
 * these handlers and a client that tries once.
 */
export function useProbes() {
  let current: World;
  const ends: (() => Promise<void> | void)[] = [];
  const onEnd = (end: () => Promise<void> | void): void => void ends.push(end);
  beforeEach(() => {
    current = makeWorld();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    current.remove();
  });
  return {
    world: () => current,
    onEnd,
    probe: async (
      handlers: Parameters<World['start']>[0],
      overrides?: Parameters<World['start']>[1],
      identity = current.identity('alpha'),
    ) => {
      const server = await current.start(handlers, overrides);
      const remote = client(ProbeServiceClient, `127.0.0.1:${server.port}`, { identity, attempts: 1 });
      onEnd(() => server.stop());
      onEnd(() => remote.close());
      return { server, remote };
    },
  };
}

/** The failure that a call has to end with. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof Failure)) throw new Error(`expected a Failure, got ${String(outcome)}`);
  return outcome;
}

/** Waits, at most five seconds, until something has happened. */
export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 250) throw new Error('it did not happen');
    await sleep(20);
  }
}
