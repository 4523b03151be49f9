import { createFileRegistry, type DescMethod, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, type Metadata, type ServiceError, type status as Status } from '@grpc/grpc-js';
import { decodeFailure, type Failure } from '@rapport/kit/rpc';
import { descriptorSet } from '@rapport/proto';
import { type SuiteService, suiteServices } from '@rapport/test/kit';

export const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet()));

/** One method as one service serves it: operations are served by all. */
export interface Served {
  service: SuiteService;
  /** package.Service/Method */
  name: string;
  method: DescMethod;
}

/** Every method of every service, from the descriptor image. */
export function servedMethods(): Served[] {
  const found: Served[] = [];
  for (const type of registry) {
    if (type.kind !== 'service' || !type.typeName.startsWith('rapport.')) continue;
    const domain = type.typeName.split('.')[1] as string;
    const hosts = suiteServices.filter((service) => domain === 'operations' || domain === service);
    if (hosts.length === 0) throw new Error(`nobody serves ${type.typeName}`);
    for (const service of hosts)
      for (const method of type.methods) found.push({ service, name: `${type.typeName}/${method.name}`, method });
  }
  return found;
}

/** How a call ended: its status, and the failure when it was none. */
export interface Outcome {
  code: Status;
  failure?: Failure;
}

const raw = (bytes: Buffer): Buffer => bytes;

/** A channel that sends bytes as they are, so that also what no client would encode gets through. */
export function openChannel(address: string): Client {
  return new Client(address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_send_message_length': -1,
    'grpc.max_receive_message_length': -1,
  });
}

function outcomeOf(error: ServiceError | null): Outcome {
  if (!error) return { code: 0 };
  const failure = decodeFailure(error);
  return { code: error.code, ...(failure && { failure }) };
}

/** Calls a method of any kind with one message of raw bytes and waits for its status. */
export function send(channel: Client, served: Served, bytes: Buffer, metadata: Metadata): Promise<Outcome> {
  const path = `/${served.name}`;
  const options = { deadline: Date.now() + 20_000 };
  return new Promise((resolve) => {
    const answered = (error: ServiceError | null) => resolve(outcomeOf(error));
    switch (served.method.methodKind) {
      case 'unary':
        channel.makeUnaryRequest(path, raw, raw, bytes, metadata, options, answered);
        return;
      case 'client_streaming': {
        const call = channel.makeClientStreamRequest(path, raw, raw, metadata, options, answered);
        call.on('error', () => {}); // said by the answer
        call.write(bytes);
        call.end();
        return;
      }
      case 'server_streaming': {
        const call = channel.makeServerStreamRequest(path, raw, raw, bytes, metadata, options);
        call.on('error', answered);
        call.on('end', () => resolve({ code: 0 }));
        call.resume();
        return;
      }
      case 'bidi_streaming': {
        const call = channel.makeBidiStreamRequest(path, raw, raw, metadata, options);
        call.on('error', answered);
        call.on('end', () => resolve({ code: 0 }));
        call.resume();
        call.write(bytes);
        call.end();
        return;
      }
    }
  });
}
