import { Server, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Health, Running } from '../runtime/index.js';
import { logger } from '../runtime/index.js';
import { type Auth, authenticator } from './authenticate.js';
import { healthDefinition, healthService } from './health-service.js';
import { Failure } from './failure.js';
import { CallsInProgress, type Gates, serve } from './pipeline.js';
import { loadPolicies } from './policy.js';
import { addReflection } from './reflection.js';
import { methodName, type Route } from './route.js';
import { serverCredentials, type Tls } from './tls.js';
import { requestValidator } from './validate.js';

/** What a gRPC server needs. Times in milliseconds. */
export interface ServerOptions {
  /** host:port; port 0 chooses one. */
  address: string;
  routes: readonly Route[];
  /** The folder with this service's `*.cedar` files. */
  policies: string;
  auth: Auth;
  /** The descriptor image with the validation rules: `descriptorSet()` of @rapport/proto. */
  validation: Uint8Array;
  health: Health;
  tls?: Tls;
  /** Serve reflection; off by default. */
  reflection?: boolean;
  /** The largest request in bytes; 4 MiB by default. */
  maxMessageBytes?: number;
  /** For a call without a deadline; 30,000 by default. */
  defaultDeadlineMs?: number;
  /** The longest any call may take; 15 minutes by default. */
  maxDeadlineMs?: number;
  /** How long `stop()` waits for calls in progress before it cuts them off; 15,000 by default. */
  hardLimitMs?: number;
  /** After this time a connection is asked to reconnect, so that callers see new replicas; 5 minutes by default. */
  maxConnectionAgeMs?: number;
}

const raw = (bytes: Buffer): Buffer => bytes;

/**
 * Starts a gRPC server: the given routes behind deadline, identity, authorisation and validation, plus
 * grpc.health.v1.Health and, if asked, reflection. Throws before it listens when an RPC has no policy, a policy does
 * not fit, an RPC is missing in the descriptor image, or the address is taken. `stop()` refuses new calls, waits for
 * those in progress up to the hard limit and is idempotent.
 */
export async function startServer(options: ServerOptions): Promise<Running & { port: number }> {
  const definitions = options.routes.map((one) => one.definition);
  const { validate, covers } = requestValidator(options.validation);
  const missing = definitions.flatMap((one) => Object.values(one).map(methodName)).filter((name) => !covers(name));
  if (missing.length > 0) throw new Error(`the descriptor image does not have: ${missing.join(', ')}`);
  const gates: Gates = {
    identify: authenticator({ ...options.auth, peers: options.auth.peers && options.tls !== undefined }),
    policies: loadPolicies(options.policies, definitions),
    validate,
    defaultDeadlineMs: options.defaultDeadlineMs ?? 30_000,
    maxDeadlineMs: options.maxDeadlineMs ?? 15 * 60_000,
    active: new CallsInProgress(),
  };

  const age = options.maxConnectionAgeMs ?? 300_000;
  const server = new Server({
    'grpc.max_receive_message_length': options.maxMessageBytes ?? 4 * 1024 * 1024,
    'grpc.max_connection_age_ms': age,
    'grpc.max_connection_age_grace_ms': 60_000,
    // Health probes open a connection each time; without this they pile up.
    'grpc.max_connection_idle_ms': 120_000,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.enable_channelz': 0,
  });
  for (const one of options.routes) addRoute(server, one, gates);
  const services = [...new Set(definitions.flatMap((one) => Object.values(one).map((m) => serviceOf(m.path))))];
  const health = healthService(options.health, new Set(services));
  server.addService(healthDefinition as unknown as ServiceDefinition, health.implementation);
  if (options.reflection) addReflection(server, options.validation, services);

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(options.address, serverCredentials(options.tls), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  let stopping: Promise<void> | undefined;
  return {
    port,
    stop: () => {
      stopping ??= shutdown(server, gates.active, health.end, options.hardLimitMs ?? 15_000);
      return stopping;
    },
  };
}

function serviceOf(path: string): string {
  return path.slice(1, path.lastIndexOf('/'));
}

function addRoute(server: Server, { definition, handlers }: Route, gates: Gates): void {
  const rawDefinition: Record<string, unknown> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    const handler = handlers[name];
    if (!handler) throw new Error(`${method.path} has no handler`);
    rawDefinition[name] = { ...method, requestDeserialize: raw, responseSerialize: raw };
    implementation[name] = serve(method, handler, gates);
  }
  server.addService(rawDefinition as unknown as ServiceDefinition, implementation);
}

function shutdown(server: Server, active: Gates['active'], endWatches: () => void, hardLimitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => {
      logger.warn({ calls: active.count }, 'calls were cut off at the hard limit of the shutdown');
      // grpc-js forgets its sessions when the graceful shutdown begins, so forceShutdown would leave these calls open.
      const leaving = new Failure('SHUTTING_DOWN', 'unavailable', 'The server is shutting down; try again.', {
        retryInMs: 100,
      });
      active.abortAll(leaving);
    }, hardLimitMs);
    // A peer that reads nothing any more can hold its connection open even then.
    const leave = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, hardLimitMs + 1_000);
    endWatches();
    server.tryShutdown(() => {
      clearTimeout(cut);
      clearTimeout(leave);
      resolve();
    });
  });
}
