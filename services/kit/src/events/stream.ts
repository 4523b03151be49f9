import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamInfo,
} from '@nats-io/jetstream';
import type { Nats } from './bus.js';

const STREAM_NOT_FOUND = 10_059;
const STREAM_NAME_IN_USE = 10_058;
const SECOND_NS = 1_000_000_000;
const DAY_NS = 86_400 * SECOND_NS;

/** What differs between places; the rest of a stream's settings is fixed. */
export interface StreamSettings {
  /** Copies in the cluster, 1 unless told; 3 in production. */
  replicas?: number;
  /** How long events stay in days, 7 unless told. Not longer than the outbox keeps them. */
  maxAgeDays?: number;
  /** The most bytes, oldest out first; unlimited unless told. */
  maxBytes?: number;
}

/** The stream of a domain's events. */
export function streamName(domain: string): string {
  return `RAPPORT_${domain.toUpperCase()}`;
}

/**
 * Manages streams and consumers. Each call ends after `timeout` milliseconds: short for questions, which may get lost
 * while the broker restarts, long for what a cluster must agree upon.
 */
export function manager(nats: Nats, timeout = 2000): Promise<JetStreamManager> {
  return jetstreamManager(nats, { checkAPI: false, timeout });
}

/** The stream as it is, or undefined when there is none. */
export async function findStream(nats: Nats, domain: string): Promise<StreamInfo | undefined> {
  try {
    return await (await manager(nats)).streams.info(streamName(domain));
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}

/** The stream of a domain, made when there is none. One that exists is left as its operator has set it. */
export async function ensureStream(nats: Nats, domain: string, settings: StreamSettings = {}): Promise<StreamInfo> {
  const found = await findStream(nats, domain);
  if (found) return found;
  const { streams } = await manager(nats, 10_000);
  try {
    return await streams.add({
      name: streamName(domain),
      subjects: [`rapport.${domain}.>`],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      duplicate_window: 120 * SECOND_NS,
      num_replicas: settings.replicas ?? 1,
      max_age: (settings.maxAgeDays ?? 7) * DAY_NS,
      max_bytes: settings.maxBytes ?? -1,
      max_msg_size: 1024 * 1024,
      allow_direct: true,
    });
  } catch (error) {
    // Another relay was faster; with settings of its own, which stand.
    if (error instanceof JetStreamApiError && error.code === STREAM_NAME_IN_USE)
      return streams.info(streamName(domain));
    throw error;
  }
}
