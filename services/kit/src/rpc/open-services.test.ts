// Health and reflection, which are open to everybody.
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { type ClientDuplexStream, type ClientReadableStream, credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { createHealth } from '../runtime/index.js';
import { makeWorld, type World } from './rpc.testkit.js';

let world: World;

beforeAll(() => {
  world = makeWorld();
});
afterAll(() => world.remove());

const local = credentials.createInsecure();

/** grpc.health.v1 as any other client would have it. */
function healthClient(port: number) {
  const definition = fromJSON({
    nested: {
      grpc: {
        nested: {
          health: {
            nested: {
              v1: {
                nested: {
                  Request: { fields: { service: { type: 'string', id: 1 } } },
                  Response: { fields: { status: { type: 'int32', id: 1 } } },
                  Health: {
                    methods: {
                      Check: { requestType: 'Request', responseType: 'Response', comment: '' },
                      Watch: { requestType: 'Request', responseType: 'Response', responseStream: true, comment: '' },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  });
  interface Client {
    check(request: object, done: (error: { code: number } | null, answer?: { status: number }) => void): void;
    watch(request: object): ClientReadableStream<{ status: number }>;
    close(): void;
  }
  const loaded = loadPackageDefinition(definition) as unknown as {
    grpc: { health: { v1: { Health: new (address: string, with_: typeof local) => Client } } };
  };
  return new loaded.grpc.health.v1.Health(`127.0.0.1:${port}`, local);
}

test('health says what the checks say, without a token, and ends its watchers at the stop', async () => {
  const health = createHealth();
  const server = await world.start({}, { health });
  const client = healthClient(server.port);
  const check = (service: string) =>
    new Promise((resolve) => {
      client.check({ service }, (error, answer) => resolve(error ? `error ${error.code}` : answer?.status));
    });
  expect(await check('')).toBe(1);
  expect(await check('rapport.probe.v1.ProbeService')).toBe(1);
  expect(await check('no.such.Service')).toBe('error 5');

  const seen: number[] = [];
  const watch = client.watch({ service: '' });
  watch.on('data', ({ status }: { status: number }) => seen.push(status));
  const ended = new Promise((resolve) => watch.once('end', resolve));
  await sleep(50);
  health.set('database', false);
  expect(await check('')).toBe(2);
  health.set('database', true);
  await sleep(50);
  const started = Date.now();
  await server.stop();
  await ended;
  expect(Date.now() - started).toBeLessThan(2_000);
  expect(seen).toEqual([1, 2, 1, 2]);
  client.close();
});

interface ReflectionAnswer {
  listServicesResponse?: { service: { name: string }[] };
  fileDescriptorResponse?: { fileDescriptorProto: Buffer[] };
  errorResponse?: { errorMessage: string };
}

test('reflection lets a client that knows nothing resolve the service with its imports and call it', async () => {
  const server = await world.start({}, { reflection: true });
  const definition = fromJSON(reflectionProto);
  interface Client {
    serverReflectionInfo(): ClientDuplexStream<object, ReflectionAnswer>;
    close(): void;
  }
  const loaded = loadPackageDefinition(definition) as unknown as {
    grpc: { reflection: { v1: { ServerReflection: new (address: string, with_: typeof local) => Client } } };
  };
  const client = new loaded.grpc.reflection.v1.ServerReflection(`127.0.0.1:${server.port}`, local);
  const ask = (request: object) =>
    new Promise<ReflectionAnswer>((resolve, reject) => {
      const stream = client.serverReflectionInfo();
      stream.once('data', (answer: ReflectionAnswer) => {
        resolve(answer);
        stream.end();
      });
      stream.once('error', reject);
      stream.write(request);
    });

  const services = await ask({ listServices: '*' });
  expect(services.listServicesResponse?.service.map(({ name }) => name)).toEqual(['rapport.probe.v1.ProbeService']);

  const answer = await ask({ fileContainingSymbol: 'rapport.probe.v1.ProbeService' });
  const files = (answer.fileDescriptorResponse?.fileDescriptorProto ?? []).map((bytes) =>
    fromBinary(FileDescriptorProtoSchema, bytes),
  );
  // As grpcurl does: every import is either in the answer or asked for by its name.
  const known = new Map(files.map((file) => [file.name, file]));
  for (const file of known.values()) {
    for (const name of file.dependency.filter((wanted) => !known.has(wanted))) {
      const more = await ask({ fileByFilename: name });
      for (const bytes of more.fileDescriptorResponse?.fileDescriptorProto ?? []) {
        const found = fromBinary(FileDescriptorProtoSchema, bytes);
        known.set(found.name, found);
      }
    }
  }
  expect(known.get('rapport/probe/v1/probe_service.proto')?.dependency).toEqual(['rapport/probe/v1/probe.proto']);
  expect([...known.keys()].sort()).toEqual(['rapport/probe/v1/probe.proto', 'rapport/probe/v1/probe_service.proto']);
  client.close();
  await server.stop();
});

const reflectionProto = {
  nested: {
    grpc: {
      nested: {
        reflection: {
          nested: {
            v1: {
              nested: {
                Request: {
                  oneofs: { messageRequest: { oneof: ['fileByFilename', 'fileContainingSymbol', 'listServices'] } },
                  fields: {
                    fileByFilename: { type: 'string', id: 3 },
                    fileContainingSymbol: { type: 'string', id: 4 },
                    listServices: { type: 'string', id: 7 },
                  },
                },
                Files: { fields: { fileDescriptorProto: { rule: 'repeated', type: 'bytes', id: 1 } } },
                Service: { fields: { name: { type: 'string', id: 1 } } },
                Services: { fields: { service: { rule: 'repeated', type: 'Service', id: 1 } } },
                Response: {
                  fields: {
                    fileDescriptorResponse: { type: 'Files', id: 4 },
                    listServicesResponse: { type: 'Services', id: 6 },
                  },
                },
                ServerReflection: {
                  methods: {
                    ServerReflectionInfo: {
                      requestType: 'Request',
                      requestStream: true,
                      responseType: 'Response',
                      responseStream: true,
                      comment: '',
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};
