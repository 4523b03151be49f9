import { type ConsumerInfo, JetStreamApiError } from '@nats-io/jetstream';
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

/** What the broker tells of a consumer. */
type Progress = Pick<ConsumerLag, 'pending' | 'unacknowledged'>;

interface Consumer {
  nats: Nats;
  lanes: readonly Lane[];
}

const consumers = new WeakMap<Database, Map<string, Consumer>>();

function isMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.status === 404;
}

/** The durable of a lane; undefined while there is no stream or nobody has opened the lane. */
async function infoOf(nats: Nats, lane: Lane): Promise<ConsumerInfo | undefined> {
  try {
    return await (await manager(nats)).consumers.info(streamName(lane.domain), lane.durable);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** What a lane will hear that nobody has opened yet: all events of its subjects. 0 while there is no stream. */
async function stored(nats: Nats, lane: Lane): Promise<number> {
  try {
    const { streams } = await manager(nats);
    const { state } = await streams.info(streamName(lane.domain), { subjects_filter: `rapport.${lane.domain}.>` });
    return lane.subjects.reduce((sum, subject) => sum + (state.subjects?.[subject] ?? 0), 0);
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

async function ofLane(nats: Nats, lane: Lane): Promise<Progress> {
  const info = await infoOf(nats, lane);
  if (!info) return { pending: await stored(nats, lane), unacknowledged: 0 };
  return { pending: info.num_pending + info.num_ack_pending, unacknowledged: info.num_ack_pending };
}

async function ofConsumer({ nats, lanes }: Consumer): Promise<Progress> {
  const each = await Promise.all(lanes.map((lane) => ofLane(nats, lane)));
  return {
    pending: each.reduce((sum, { pending }) => sum + pending, 0),
    unacknowledged: each.reduce((sum, { unacknowledged }) => sum + unacknowledged, 0),
  };
}

/** When the first event of a subject behind a sequence was stored. */
async function storedBehind(
  nats: Nats,
  domain: string,
  subject: string,
  sequence: number,
): Promise<number | undefined> {
  try {
    const { direct } = await manager(nats);
    const message = await direct.getMessage(streamName(domain), { seq: sequence + 1, next_by_subj: subject });
    return message?.time.getTime();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function oldestOfLane(nats: Nats, lane: Lane): Promise<number | undefined> {
  const info = await infoOf(nats, lane);
  if (!info || info.num_pending + info.num_ack_pending === 0) return undefined;
  const floor = info.ack_floor.stream_seq;
  const times = await Promise.all(lane.subjects.map((subject) => storedBehind(nats, lane.domain, subject, floor)));
  return times.reduce(
    (oldest, time) => (time !== undefined && !(oldest !== undefined && oldest < time) ? time : oldest),
    undefined,
  );
}

/** The age of the oldest event that a consumer has still to acknowledge, in seconds; 0 when there is none. */
export async function oldestAgeSeconds(db: Database, name: string): Promise<number> {
  const consumer = consumers.get(db)?.get(name);
  if (!consumer) return 0;
  const times = await Promise.all(consumer.lanes.map((lane) => oldestOfLane(consumer.nats, lane)));
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? 0 : Math.max(0, (Date.now() - Math.min(...known)) / 1000);
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

/** The names of the consumers of this process's database. */
export function consumerNames(db: Database): string[] {
  return [...(consumers.get(db)?.keys() ?? [])].sort();
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
