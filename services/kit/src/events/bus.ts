import { connect, type NatsConnection } from '@nats-io/transport-node';
import { logger } from '../runtime/index.js';

/** A connection to the event bus. */
export type Nats = NatsConnection;

/** How the bus is reached. Credentials belong in `url` or in `tls` files, never in the code. */
export interface BusOptions {
  /** One address or several, separated by commas. */
  url: string;
  /** What the broker shows as the connection's name. */
  name: string;
  /** Files in PEM for mTLS. */
  tls?: { caFile: string; certificateFile: string; keyFile: string } | undefined;
  /** How long to wait for the broker at the start in milliseconds, 60,000 unless told. */
  waitMs?: number;
}

const RETRY_MS = 500;

function tooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 2 || (major === 2 && minor < 10);
}

/** Throws unless the broker knows what events need: several filter subjects per consumer, since nats-server 2.10. */
export function assertUsable(nats: Nats): void {
  const version = nats.info?.version ?? 'unknown';
  if (tooOld(version)) {
    throw new Error(`nats-server ${version} is too old: events need 2.10 or newer. Upgrade the server at NATS_URL.`);
  }
  if (nats.info?.jetstream !== true) {
    throw new Error('the nats-server at NATS_URL has JetStream switched off: start it with -js or a jetstream section');
  }
}

/** Connections over which relays are woken, those of this process. */
const pokers = new Set<Nats>();

const disconnected = new WeakMap<Nats, Set<() => void>>();

async function watch(nats: Nats): Promise<void> {
  for await (const status of nats.status()) {
    if (status.type === 'disconnect') {
      logger.warn('the event bus is away');
      for (const listener of disconnected.get(nats) ?? []) listener();
    }
    if (status.type === 'reconnect') logger.info('the event bus is back');
  }
}

/** Lets commits of this process wake relays over the connection, and watches it, until it is closed. */
export function pokeOver(nats: Nats): void {
  if (pokers.has(nats)) return;
  pokers.add(nats);
  disconnected.set(nats, new Set());
  void nats.closed().then(() => pokers.delete(nats));
  void watch(nats);
}

/** Calls `listener` whenever the connection breaks, until the result is called. */
export function onDisconnect(nats: Nats, listener: () => void): () => void {
  disconnected.get(nats)?.add(listener);
  return () => disconnected.get(nats)?.delete(listener);
}

/** The subject on which relays of a domain are woken. */
export function pokeSubject(domain: string): string {
  return `rapport.poke.${domain}`;
}

/** Wakes the relays of a domain. A lost poke costs a delay: relays also look by themselves. */
export function poke(domain: string): void {
  for (const nats of pokers) {
    try {
      nats.publish(pokeSubject(domain));
    } catch {
      // closing: the relay finds the event by itself
    }
  }
}

/**
 * Connects to the bus and keeps connecting for ever once it was there. Throws when the broker does not answer within
 * `waitMs`, is older than 2.10, or has no JetStream.
 */
export async function connectBus({ url, name, tls, waitMs = 60_000 }: BusOptions): Promise<Nats> {
  const until = Date.now() + waitMs;
  for (;;) {
    try {
      const nats = await connect({
        servers: url.split(','),
        name,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RETRY_MS,
        pingInterval: 10_000,
        ...(tls && { tls: { caFile: tls.caFile, certFile: tls.certificateFile, keyFile: tls.keyFile } }),
      });
      try {
        assertUsable(nats);
      } catch (error) {
        await nats.close();
        throw Object.assign(error as Error, { fatal: true });
      }
      pokeOver(nats);
      return nats;
    } catch (error) {
      if ((error as { fatal?: boolean }).fatal || Date.now() > until) throw error;
      logger.warn({ err: error }, 'waiting for the event bus');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
