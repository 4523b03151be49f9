import { setTimeout as sleep } from 'node:timers/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import { type Database, type Lease, leased, sql } from '../db/index.js';
import { logger, type Running } from '../runtime/index.js';
import { attribute, counter, gauge, metric } from '../telemetry/index.js';
import { assertUsable, type Nats, pokeOver, pokeSubject } from './bus.js';
import { restAfter } from './bulk.js';
import { eventsOf } from './frame.js';
import { forgetErased } from './forget.js';
import { outboxLag, type Position, positionOf, type ReadOutbox, readOutbox, START } from './outbox.js';
import { createPublisher, type Publisher, type Sent } from './publisher.js';
import { ensureStream, manager, type StreamSettings, streamName } from './stream.js';
import { createSignal, type Wakeup } from './wakeup.js';

/** How a relay works. */
export interface RelayOptions {
  db: Database;
  nats: Nats;
  /** The domain whose events lie in this database, `customer`. */
  domain: string;
  stream?: StreamSettings;
  /** How often the relay looks without being woken, in milliseconds; 1000 unless told. */
  pollMs?: number;
  /** The most events under way at once, 1000 unless told. */
  batch?: number;
  /** How long a silent relay keeps its place in milliseconds, 10,000 unless told. */
  leaseMs?: number;
  /** How the outbox is read; only tests give another one. */
  read?: ReadOutbox;
}

const published = counter(metric.outboxPublished);
const HOUR_MS = 3_600_000;
const CHECK_MS = 10_000;
const NO_MESSAGE = 10_037;

interface Cursor extends Position {
  incarnation: string;
  stream_sequence: bigint;
}

/** Where the relay goes on. */
interface Place {
  position: Position;
  /** When the stream was created: another one is another stream, however it is called. */
  incarnation: string;
  /** The number of the stream's last message. */
  sequence: number;
}

async function lastMessageId(nats: Nats, domain: string): Promise<string | undefined> {
  try {
    const { streams } = await manager(nats);
    const message = await streams.getMessage(streamName(domain), { last_by_subj: `rapport.${domain}.>` });
    return message?.header.get('Nats-Msg-Id') || undefined;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return undefined;
    throw error;
  }
}

/**
 * Finds where to go on. What the stream holds decides: its last event tells the place in the outbox, before or behind
 * what the cursor says (an acknowledged tail may be lost in a power failure; a relay may end before it saves its
 * cursor). An empty stream that is not the one the cursor speaks of is filled from the outbox's first event.
 */
async function findPlace({ db, nats, domain, stream }: RelayOptions): Promise<Place> {
  const info = await ensureStream(nats, domain, stream);
  const cursor = await db.system.maybe<Cursor>(sql`
    SELECT xid::text AS xid, id, incarnation, stream_sequence FROM kit.relay_cursor WHERE domain = ${domain}`);
  const incarnation = new Date(info.created).toISOString();
  const found = { incarnation, sequence: info.state.last_seq };
  const same = cursor !== undefined && cursor.incarnation === incarnation;
  const lastId = info.state.messages > 0 ? await lastMessageId(nats, domain) : undefined;
  const stored = lastId === undefined ? undefined : await positionOf(db.system, lastId);
  if (stored) return { ...found, position: stored };
  if (same && BigInt(info.state.last_seq) >= cursor.stream_sequence) {
    return { ...found, position: { xid: cursor.xid, id: cursor.id } };
  }
  if (cursor) logger.warn({ domain, incarnation }, 'the stream is not the one that was filled; it is filled again');
  return { ...found, position: START };
}

/** Saves the place; tells false when the lease belongs to another relay by now. */
async function save(db: Database, domain: string, lease: Lease, place: Place): Promise<boolean> {
  const saved = await db.system.run(sql`
    INSERT INTO kit.relay_cursor (domain, incarnation, xid, id, stream_sequence)
    SELECT ${domain}, ${place.incarnation}, ${place.position.xid}::xid8, ${place.position.id}::uuid, ${place.sequence}::bigint
    WHERE EXISTS (SELECT FROM kit.lease WHERE name = ${lease.name} AND holder = ${lease.holder} AND epoch = ${lease.epoch})
    ON CONFLICT (domain) DO UPDATE SET incarnation = excluded.incarnation, xid = excluded.xid, id = excluded.id,
      stream_sequence = excluded.stream_sequence, updated_at = now()`);
  return saved === 1;
}

const nothing: Sent = { confirmed: [] };

/** Moves one batch; gives the place after what was confirmed, and whether all went well. */
async function move(
  options: RelayOptions,
  publisher: Publisher,
  lease: Lease,
  place: Place,
): Promise<{ place: Place; count: number; failure?: Error }> {
  const { db, domain, batch = 1000, read = readOutbox } = options;
  const stored = await read(db.system, place.position, batch);
  const last = stored.at(-1);
  if (!last || lease.signal.aborted) return { place, count: 0 };
  const rows = stored
    .flatMap(eventsOf)
    .filter((event) => event.xid !== place.position.xid || event.id > place.position.id);
  const foreign = rows.find((row) => !row.type.startsWith(`rapport.${domain}.`));
  if (foreign) throw new Error(`the outbox of ${domain} holds an event of another domain: ${foreign.type}`);
  const { confirmed, failure } = rows.length === 0 ? nothing : await publisher.send(rows, place.sequence);
  const end = confirmed.at(-1);
  if (!end && failure) return { place, count: 0, failure };
  // The end of a frame may lie behind its last event, where that was erased.
  const { xid, id } = failure && end ? end.row : last;
  const moved: Place = {
    incarnation: place.incarnation,
    position: { xid, id },
    // A repeat is confirmed with the number it got the first time.
    sequence: Math.max(place.sequence, end?.sequence ?? 0),
  };
  published.add(confirmed.length, { [attribute.domain]: domain });
  if (!(await save(db, domain, lease, moved)))
    return { place: moved, count: 0, failure: new Error('the lease is lost') };
  return { place: moved, count: stored.length, ...(failure ? { failure } : {}) };
}

/** Makes and drops the outbox's days. A failure is logged: writers have a partition for the rest. */
async function maintain(db: Database): Promise<void> {
  await db.system.rows(sql`SELECT kit.maintain()`).catch((error: unknown) => {
    logger.warn({ err: error }, 'the partitions of events were not maintained');
  });
}

async function relay(options: RelayOptions, lease: Lease, pokes: Wakeup): Promise<void> {
  const { db, nats, domain, pollMs = 1000 } = options;
  const publisher = createPublisher(nats);
  let place: Place | undefined;
  let maintained = 0;
  let checked = 0;
  let idleMs = 0;
  let forgot = 0;
  try {
    while (!lease.signal.aborted) {
      if (Date.now() - maintained > HOUR_MS) {
        maintained = Date.now();
        await maintain(db);
      }
      // A broker that came back empty while there is nothing to publish shows by no error.
      if (!place || Date.now() - checked > CHECK_MS) {
        place = await findPlace(options);
        checked = Date.now();
      }
      if (Date.now() - forgot > pollMs) {
        forgot = Date.now();
        await forgetErased(options).catch((error: unknown) => {
          logger.warn({ err: error, domain }, 'erased events wait to be forgotten');
        });
      }
      const began = performance.now();
      const moved = await move(options, publisher, lease, place);
      place = moved.place;
      if (moved.failure) {
        logger.warn({ err: moved.failure, domain }, 'events wait for the broker');
        place = undefined;
        await pokes.wait(250, lease.signal);
        continue;
      }
      if (moved.count > 0) {
        idleMs = 0;
        const restMs = restAfter(performance.now() - began);
        if (restMs > 0) await sleep(restMs, undefined, { signal: lease.signal }).catch(() => undefined);
        continue;
      }
      // Right after a poke the event may still hide behind an older transaction: look again soon, then ever later.
      idleMs = idleMs === 0 ? 5 : Math.min(idleMs * 2, pollMs);
      if (await pokes.wait(idleMs, lease.signal)) idleMs = 0;
    }
  } finally {
    publisher.close();
  }
}

/**
 * Moves the events of a domain from the outbox to its stream, in order, until stopped. Every process may start one: a
 * lease makes one of them work and another one take over when it ends. Survives restarts of Postgres and the broker; a
 * broker that lost its data is filled again from the outbox.
 */
export function startRelay(options: RelayOptions): Running {
  const { db, nats, domain, leaseMs } = options;
  assertUsable(nats);
  pokeOver(nats);
  const pokes = createSignal();
  const subscription = nats.subscribe(pokeSubject(domain), { callback: () => pokes.set() });
  const working = leased({
    db,
    group: `relay/${domain}`,
    names: [`relay/${domain}`],
    work: (lease) => relay(options, lease, pokes),
    ...(leaseMs === undefined ? {} : { ttlMs: leaseMs }),
  });
  const labels = { [attribute.domain]: domain };
  const unobserve = [
    gauge(metric.outboxPending, async () => [
      { value: (await outboxLag(db.system, domain)).pending, attributes: labels },
    ]),
    gauge(metric.outboxAge, async () => [
      { value: (await outboxLag(db.system, domain)).oldestAgeSeconds, attributes: labels },
    ]),
  ];
  return {
    stop: async () => {
      for (const end of unobserve) end();
      subscription.unsubscribe();
      await working.stop();
    },
  };
}
