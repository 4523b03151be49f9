import { type ClientOf, client, type MethodShape, type Tls } from '@rapport/kit/rpc';
import { fail } from '../errors.js';

/** A method of a service as far as the gateway needs it: messages pass encoded. */
export interface RawMethod {
  /** The domain whose service answers: `customer`. */
  domain: string;
  /** `/package.Service/Method` */
  grpcPath: string;
  streams: boolean;
}

/** What one call carries beside its message. Times in milliseconds. */
export interface RawOptions {
  token: string;
  purpose?: string | undefined;
  timeoutMs: number;
  signal: AbortSignal;
  /** Whether the call may be made again when the service is away. */
  retry: boolean;
}

/** The services behind the gateway. Rejections are `Failure`s, or SERVICE_NOT_CONFIGURED. */
export interface Upstream {
  unary(method: RawMethod, message: Uint8Array, options: RawOptions): Promise<Uint8Array>;
  stream(method: RawMethod, message: Uint8Array, options: RawOptions): AsyncIterable<Uint8Array>;
  close(): void;
}

const maxMessageBytes = 16 * 1024 * 1024;

interface RawShape extends MethodShape {
  requestStream: false;
  requestSerialize: (bytes: Uint8Array) => Buffer;
  requestDeserialize: (bytes: Buffer) => Uint8Array;
  responseSerialize: (bytes: Uint8Array) => Buffer;
  responseDeserialize: (bytes: Buffer) => Uint8Array;
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function shapeOf<const Streams extends boolean>(path: string, responseStream: Streams) {
  const serializers = {
    requestSerialize: asBuffer,
    requestDeserialize: (bytes: Buffer): Uint8Array => bytes,
    responseSerialize: asBuffer,
    responseDeserialize: (bytes: Buffer): Uint8Array => bytes,
  };
  return { path, requestStream: false, responseStream, ...serializers } satisfies RawShape as RawShape & {
    responseStream: Streams;
  };
}

type Unary = Record<string, RawShape & { responseStream: false }>;
type Streaming = Record<string, RawShape & { responseStream: true }>;

interface Peer {
  unary: ClientOf<Unary>;
  streaming: ClientOf<Streaming>;
}

/**
 * Opens a client of each domain that has an address (`host:port`), with mutual TLS when files are given. Nothing
 * connects before the first call.
 */
export function openUpstream(addresses: Record<string, string>, methods: RawMethod[], tls?: Tls): Upstream {
  const peerOf = (domain: string, address: string): Peer => {
    const own = methods.filter((method) => method.domain === domain);
    const unary = own.filter(({ streams }) => !streams).map(({ grpcPath }) => [grpcPath, shapeOf(grpcPath, false)]);
    const streaming = own.filter(({ streams }) => streams).map(({ grpcPath }) => [grpcPath, shapeOf(grpcPath, true)]);
    const options = { tls, maxMessageBytes };
    return {
      unary: client<Unary>({ service: Object.fromEntries(unary) }, address, options),
      streaming: client<Streaming>({ service: Object.fromEntries(streaming) }, address, options),
    };
  };
  const peers = new Map(Object.entries(addresses).map(([domain, address]) => [domain, peerOf(domain, address)]));
  const find = <Method>(of: (peer: Peer) => Record<string, Method>, { domain, grpcPath }: RawMethod): Method => {
    const peer = peers.get(domain);
    const method = peer && of(peer)[grpcPath];
    if (!method) throw fail('SERVICE_NOT_CONFIGURED');
    return method;
  };

  return {
    unary: async (method, message, options) =>
      await find((peer) => peer.unary as Methods<Unary>, method)(message, options),
    stream: (method, message, options) =>
      find((peer) => peer.streaming as Methods<Streaming>, method)(message, options),
    close() {
      for (const peer of peers.values()) {
        peer.unary.close();
        peer.streaming.close();
      }
    },
  };
}

type Methods<D extends Unary | Streaming> = Record<string, ClientOf<D>[string]>;
