import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallOptions as GrpcCallOptions,
  type ChannelOptions,
  type ClientUnaryCall,
  Metadata,
  status as Status,
} from '@grpc/grpc-js';
import { histogram, metric } from '../telemetry/index.js';
import type { Call } from './call.js';
import { type Channel, openChannel } from './channel.js';
import { Failure } from './failure.js';
import { type Identity, serviceIdentity } from './identity.js';
import { type DefinitionShape, type MethodShape, methodName, type RequestOf, type ResponseOf } from './route.js';
import { decodeFailure } from './status.js';
import { channelCredentials, type Tls } from './tls.js';

const duration = histogram(metric.clientCallDuration);

/** How one outgoing call differs from the client's defaults. Times in milliseconds. */
export interface OutgoingOptions {
  /** The inbound call this one serves: its deadline, cancellation, bearer token and purpose travel on. */
  parent?: Call;
  /** At most this long; the parent's deadline still counts. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** A bearer token to use instead of the parent's or the service's own. */
  token?: string;
  /** Ask in the service's own name although there is a parent. */
  asSelf?: boolean;
  purpose?: string;
  metadata?: Readonly<Record<string, string>>;
  /**
   * Try again when the peer is UNAVAILABLE. By default for reads (Get, List, BatchGet, Search, Check, Preview) and for
   * requests with a `requestId`, which the peer carries out once however often they arrive.
   */
  retry?: boolean;
}

/** How a client is set up. Times in milliseconds. */
export interface ClientOptions {
  tls?: Tls;
  /** The service's own identity: a key file (SERVICE_KEY_FILE) or what gives tokens. Not needed with client certificates. */
  identity?: string | Identity;
  /** For calls that say nothing else; 10,000 by default. */
  timeoutMs?: number;
  /** How often a call is tried in all, and the longest pause between; 4 and 2,000 by default. */
  attempts?: number;
  maxPauseMs?: number;
  /** A channel that does not get past connecting is replaced after this time; 5,000 by default. */
  stuckMs?: number;
  /** The largest answer in bytes; 4 MiB by default. */
  maxMessageBytes?: number;
  /** For what these options do not name. */
  channel?: ChannelOptions;
}

type Streamed<T> = AsyncIterable<T> | Iterable<T>;

/** One method of a client: streams are async iterables, single messages promises. Rejections are `Failure`s. */
export type Outgoing<M extends MethodShape> = M['requestStream'] extends true
  ? M['responseStream'] extends true
    ? (requests: Streamed<RequestOf<M>>, options?: OutgoingOptions) => AsyncIterable<ResponseOf<M>>
    : (requests: Streamed<RequestOf<M>>, options?: OutgoingOptions) => Promise<ResponseOf<M>>
  : M['responseStream'] extends true
    ? (request: RequestOf<M>, options?: OutgoingOptions) => AsyncIterable<ResponseOf<M>>
    : (request: RequestOf<M>, options?: OutgoingOptions) => Promise<ResponseOf<M>>;

/** A client of one service. */
export type ClientOf<D extends DefinitionShape> = { readonly [K in keyof D]: Outgoing<D[K]> } & {
  /** Closes the channel when the calls in progress have ended. Idempotent. */
  close(): void;
};

const channelDefaults: ChannelOptions = {
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  'grpc.service_config_disable_resolution': 1,
  // A frozen peer is noticed within seven seconds; much less, and a busy event loop looks like one.
  'grpc.keepalive_time_ms': 4_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.dns_min_time_between_resolutions_ms': 5_000,
  'grpc.enable_channelz': 0,
};

/**
 * Opens a client: `client(CustomerServiceClient, address, { identity })`, then
 * `await customer.getParty(request, { parent: call })`. The channel connects at the first call.
 */
export function client<D extends DefinitionShape>(
  constructor: { service: D },
  address: string,
  options: ClientOptions = {},
): ClientOf<D> {
  const identity = typeof options.identity === 'string' ? serviceIdentity(options.identity) : options.identity;
  const channelOptions: ChannelOptions = {
    ...channelDefaults,
    'grpc.max_receive_message_length': options.maxMessageBytes ?? 4 * 1024 * 1024,
    ...options.channel,
  };
  const peer: Peer = {
    channel: openChannel(address, () => channelCredentials(options.tls), channelOptions, options.stuckMs ?? 5_000),
    identity,
    timeoutMs: options.timeoutMs ?? 10_000,
    attempts: options.attempts ?? 4,
    maxPauseMs: options.maxPauseMs ?? 2_000,
  };
  const methods = Object.entries(constructor.service).map(([name, method]) => [name, outgoing(peer, name, method)]);
  return { ...Object.fromEntries(methods), close: () => peer.channel.close() } as ClientOf<D>;
}

interface Peer {
  channel: Channel;
  identity: Identity | undefined;
  timeoutMs: number;
  attempts: number;
  maxPauseMs: number;
}

function outgoing(peer: Peer, name: string, method: MethodShape): unknown {
  const one = method as unknown as ErasedMethod;
  if (method.responseStream) {
    return (request: unknown, options: OutgoingOptions = {}) => received(peer, one, request, options);
  }
  if (method.requestStream) {
    return (requests: Streamed<unknown>, options: OutgoingOptions = {}) => sent(peer, one, requests, options);
  }
  return (request: unknown, options: OutgoingOptions = {}) => {
    const repeatable = options.retry ?? isRepeatable(name, request);
    return persist(peer, options, repeatable, (envelope) => single(peer, one, request, envelope));
  };
}

interface ErasedMethod {
  path: string;
  requestStream: boolean;
  requestSerialize: (value: unknown) => Buffer;
  responseDeserialize: (bytes: Buffer) => unknown;
}

function isRepeatable(name: string, request: unknown): boolean {
  if (/^(get|list|batchGet|search|check|preview)/.test(name)) return true;
  return typeof request === 'object' && request !== null && 'requestId' in request && request.requestId !== '';
}

interface Envelope {
  metadata: Metadata;
  call: GrpcCallOptions;
  signal: AbortSignal | undefined;
}

function deadlineOf(peer: Peer, { parent, timeoutMs }: OutgoingOptions): number {
  return Math.min(Date.now() + (timeoutMs ?? peer.timeoutMs), parent?.deadline.getTime() ?? Number.POSITIVE_INFINITY);
}

async function envelopeFor(peer: Peer, options: OutgoingOptions, deadline: number): Promise<Envelope> {
  const { parent } = options;
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(options.metadata ?? {})) metadata.set(key, value);
  const forwarded = options.asSelf ? undefined : parent?.token;
  const token = options.token ?? forwarded ?? (await peer.identity?.token());
  if (token) metadata.set('authorization', `Bearer ${token}`);
  const purpose = options.purpose ?? parent?.purpose;
  if (purpose) metadata.set('rapport-purpose', purpose);
  return { metadata, call: { deadline, ...(parent && { parent: parent.parent }) }, signal: options.signal };
}

const abandoned = Symbol('the channel was replaced before the call left');

/** Tries until there is an answer, a failure that says something, or no time left. */
async function persist<T>(
  peer: Peer,
  options: OutgoingOptions,
  repeatable: boolean,
  attempt: (envelope: Envelope) => Promise<T | typeof abandoned>,
): Promise<T> {
  const deadline = deadlineOf(peer, options);
  for (let tries = 1; ; ) {
    try {
      const answer = await attempt(await envelopeFor(peer, options, deadline));
      if (answer !== abandoned) return answer;
    } catch (error) {
      const failure = asFailure(error);
      const pause = Math.min(peer.maxPauseMs, 50 * 2 ** tries) * (0.5 + Math.random());
      const again = repeatable && failure.kind === 'unavailable' && tries < peer.attempts;
      const aborted = options.signal?.aborted || options.parent?.signal.aborted;
      if (!again || aborted || Date.now() + pause >= deadline) throw failure;
      tries += 1;
      await sleep(pause);
    }
  }
}

function asFailure(error: unknown): Failure {
  return (
    decodeFailure(error) ??
    new Failure('CALL_FAILED', 'internal', 'The call could not be made.', { domain: 'grpc', cause: error })
  );
}

/** Cancels the call when the signal aborts; the answer stops listening. */
function cancelOn(signal: AbortSignal | undefined, call: { cancel(): void }): () => void {
  if (!signal) return () => undefined;
  const cancel = () => call.cancel();
  signal.addEventListener('abort', cancel);
  if (signal.aborted) cancel();
  return () => signal.removeEventListener('abort', cancel);
}

function record(method: ErasedMethod, started: number, code: Status = Status.OK): void {
  duration.record((performance.now() - started) / 1000, {
    'rpc.system.name': 'grpc',
    'rpc.method': methodName(method),
    'rpc.response.status_code': Status[code],
  });
}

function single(peer: Peer, method: ErasedMethod, request: unknown, envelope: Envelope): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let left = false;
    const ended = peer.channel.began({
      abandon: () => {
        left = true;
        call.cancel();
      },
    });
    const started = performance.now();
    const call: ClientUnaryCall = peer.channel
      .client()
      .makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        envelope.metadata,
        envelope.call,
        (error, answer) => {
          ended();
          unlisten();
          record(method, started, error?.code);
          if (!error) resolve(answer);
          else if (left) resolve(abandoned);
          else reject(error);
        },
      );
    const unlisten = cancelOn(envelope.signal, call);
  });
}

async function sent(
  peer: Peer,
  method: ErasedMethod,
  requests: Streamed<unknown>,
  options: OutgoingOptions,
): Promise<unknown> {
  const envelope = await envelopeFor(peer, options, deadlineOf(peer, options));
  let settled = false;
  let broken: unknown;
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const call = peer.channel
    .client()
    .makeClientStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      envelope.metadata,
      envelope.call,
      (error, answer) => {
        settled = true;
        call.emit('drain');
        if (error) reject(broken ?? asFailure(error));
        else resolve(answer);
      },
    );
  const ended = peer.channel.began({ abandon: () => call.cancel() });
  const unlisten = cancelOn(envelope.signal, call);
  (async () => {
    for await (const request of requests) {
      // The server may answer before it has read everything: then nothing more is wanted.
      if (settled) return;
      if (!call.write(request)) await new Promise<void>((go) => (settled ? go() : call.once('drain', () => go())));
    }
    if (!settled) call.end();
  })().catch((error) => {
    // Not the peer's fault but that of whoever makes the requests; the caller should see that error.
    broken = error;
    if (settled) reject(error);
    else call.cancel();
  });
  try {
    return await promise;
  } finally {
    ended();
    unlisten();
  }
}

async function* received(
  peer: Peer,
  method: ErasedMethod,
  request: unknown,
  options: OutgoingOptions,
): AsyncGenerator<unknown> {
  const envelope = await envelopeFor(peer, options, deadlineOf(peer, options));
  const { path, requestSerialize, responseDeserialize } = method;
  const from = peer.channel.client();
  const writer = method.requestStream
    ? from.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, envelope.metadata, envelope.call)
    : undefined;
  const call =
    writer ??
    from.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      envelope.metadata,
      envelope.call,
    );
  const ended = peer.channel.began({ abandon: () => call.cancel() });
  const unlisten = cancelOn(envelope.signal, call);
  let broken: unknown;
  if (writer) {
    (async () => {
      for await (const message of request as Streamed<unknown>) {
        if (writer.destroyed) return;
        if (!writer.write(message)) await new Promise<void>((go) => writer.once('drain', go).once('close', go));
      }
      writer.end();
    })().catch((error) => {
      broken = error;
      writer.cancel();
    });
  }
  let complete = false;
  try {
    for await (const message of call) yield message;
    complete = true;
  } catch (error) {
    complete = true;
    throw broken instanceof Error ? broken : asFailure(error);
  } finally {
    ended();
    unlisten();
    if (!complete) call.cancel();
  }
}
