import { JetStreamApiError } from '@nats-io/jetstream';
import { type Database, sql } from '../db/index.js';
import { attribute, gauge, metric } from '../telemetry/index.js';
import type { Nats } from './bus.js';
import type { Lane } from './lane.js';
import { manager, streamName } from './stream.js';

/** How far one consumer is behind. */
export interface ConsumerLag {
  consumer: string;
  /** Events not yet acknowledged, those under way included. */
  pending: number;
  /** Of them, those under way. */
  unacknowledged: number;
  /** Events parked as dead letters. */
  deadLetters: number;
}

interface Consumer {
  nats: Nats;
  lanes: readonly Lane[];
}

const consumers = new WeakMap<Database, Map<string, Consumer>>();

async function ofLane(nats: Nats, lane: Lane): Promise<{ pending: number; unacknowledged: number }> {
  try {
    const info = await (await manager(nats)).consumers.info(streamName(lane.domain), lane.durable);
    return { pending: info.num_pending + info.num_ack_pending, unacknowledged: info.num_ack_pending };
  } catch (error) {
    // No stream or no durable yet: nothing to hear.
    if (error instanceof JetStreamApiError && error.status === 404) return { pending: 0, unacknowledged: 0 };
    throw error;
  }
}

async function ofConsumer({ nats, lanes }: Consumer): Promise<{ pending: number; unacknowledged: number }> {
  const all = await Promise.all(lanes.map((lane) => ofLane(nats, lane)));
  return {
    pending: all.reduce((sum, lane) => sum + lane.pending, 0),
    unacknowledged: all.reduce((sum, lane) => sum + lane.unacknowledged, 0),
  };
}

async function parked(db: Database, name: string): Promise<number> {
  const { letters } = await db.system.one<{ letters: bigint }>(sql`
    SELECT count(*) AS letters FROM kit.dead_letter WHERE consumer = ${name} AND applied_at IS NULL`);
  return Number(letters);
}

/** Shows the lag and the dead letters of a consumer as gauges, and to `consumerLag`, until the result is called. */
export function observeLag(db: Database, nats: Nats, name: string, lanes: readonly Lane[]): () => void {
  const known = consumers.get(db) ?? new Map<string, Consumer>();
  const consumer = { nats, lanes };
  consumers.set(db, known.set(name, consumer));
  const attributes = { [attribute.consumer]: name };
  const gauges = [
    gauge(metric.eventLag, async () => [{ value: (await ofConsumer(consumer)).pending, attributes }]),
    gauge(metric.deadLetters, async () => [{ value: await parked(db, name), attributes }]),
  ];
  return () => {
    for (const end of gauges) end();
    if (known.get(name) === consumer) known.delete(name);
  };
}

/** How far each consumer of this process's database is behind its stream. Asks the broker once per shard. */
export async function consumerLag(db: Database): Promise<ConsumerLag[]> {
  const known = [...(consumers.get(db) ?? [])];
  return Promise.all(
    known.map(async ([consumer, of]) => ({
      consumer,
      ...(await ofConsumer(of)),
      deadLetters: await parked(db, consumer),
    })),
  );
}
