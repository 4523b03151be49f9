import type { ServerUnaryCall, ServerWritableStream, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js';
import { status as Status } from '@grpc/grpc-js';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Health } from '../runtime/index.js';

/** grpc.health.v1.HealthCheckResponse.ServingStatus. */
const serving = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;
type Serving = (typeof serving)[keyof typeof serving];

// Two messages of one field each do not earn generated code.
interface Question {
  service: string;
}

function readQuestion(bytes: Buffer): Question {
  const reader = new BinaryReader(bytes);
  let service = '';
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) service = reader.string();
    else reader.skip(wireType);
  }
  return { service };
}

function writeStatus(status: Serving): Buffer {
  return Buffer.from(new BinaryWriter().tag(1, 0).int32(status).finish());
}

const pass = (bytes: Buffer): Buffer => bytes;
const shape = {
  requestStream: false,
  requestSerialize: pass,
  requestDeserialize: readQuestion,
  responseSerialize: writeStatus,
  responseDeserialize: pass,
};

/** The definition of grpc.health.v1.Health. */
export const healthDefinition = {
  check: { ...shape, path: '/grpc.health.v1.Health/Check', responseStream: false },
  watch: { ...shape, path: '/grpc.health.v1.Health/Watch', responseStream: true },
};

/**
 * grpc.health.v1.Health over the state of the process; probes carry no token, so it is open. Every service of the
 * server has the state of the whole. `end` says NOT_SERVING to all watchers and closes their streams, which would
 * otherwise hold up a graceful shutdown for ever.
 */
export function healthService(
  health: Health,
  services: ReadonlySet<string>,
): { implementation: UntypedServiceImplementation; end(): void } {
  const watchers = new Set<ServerWritableStream<Question, Serving>>();
  let ended = false;

  function current(service: string): Serving {
    if (service !== '' && !services.has(service)) return serving.SERVICE_UNKNOWN;
    return health.ready() && !ended ? serving.SERVING : serving.NOT_SERVING;
  }

  const unsubscribe = health.onChange(() => {
    for (const call of watchers) call.write(current(call.request.service));
  });

  return {
    implementation: {
      check: (call: ServerUnaryCall<Question, Serving>, callback: sendUnaryData<Serving>) => {
        const state = current(call.request.service);
        if (state === serving.SERVICE_UNKNOWN) callback({ code: Status.NOT_FOUND, details: 'unknown service' });
        else callback(null, state);
      },
      watch: (call: ServerWritableStream<Question, Serving>) => {
        call.write(current(call.request.service));
        if (ended) {
          call.end();
          return;
        }
        watchers.add(call);
        call.on('cancelled', () => watchers.delete(call));
      },
    },
    end: () => {
      ended = true;
      unsubscribe();
      for (const call of watchers) {
        call.write(current(call.request.service));
        call.end();
      }
      watchers.clear();
    },
  };
}
