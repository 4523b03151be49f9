import { randomUUID } from 'node:crypto';
import { logger, type Running } from '../runtime/index.js';
import { sql } from './sql.js';
import type { Database } from './types.js';

/** Work that this process alone does for now. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Grows with every holder: a statement that checks it is safe from a holder that does not know it is over. */
  readonly epoch: bigint;
  /** Aborted when the lease is lost, given back, or can no longer be renewed in time. */
  readonly signal: AbortSignal;
}

/** What is shared among processes, and how. */
export interface LeaseOptions {
  db: Database;
  /** Processes of the same group share its names evenly. */
  group: string;
  names: readonly string[];
  /** Does the work of one name until the signal is aborted. When it ends or throws before, it is started again. */
  work: (lease: Lease) => Promise<void>;
  /** How long a silent holder keeps a lease in milliseconds, 10,000 unless told. Others take over within 1.3 of it. */
  ttlMs?: number;
}

interface Held {
  lease: Lease;
  abort: AbortController;
  done: Promise<void>;
  expiry: NodeJS.Timeout;
}

interface Situation {
  /** Names of the leases renewed. */
  renewed: string[];
  members: bigint;
  free: string[];
}

const RESTART_MS = 1000;

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}

/**
 * Spreads named work over the processes of a group: each name is worked on by one process at a time, each process holds
 * its even share, and a process that ends is replaced within seconds. `stop()` waits for the work and gives it back.
 */
export function leased({ db, group, names, work, ttlMs = 10_000 }: LeaseOptions): Running {
  const holder = randomUUID();
  const member = `member/${group}/${holder}`;
  const held = new Map<string, Held>();
  const ttl = `${ttlMs} milliseconds`;
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;
  let wake = (): void => undefined;

  /** Renews what is held and looks around, in one statement. */
  async function renew(): Promise<Situation> {
    const epochs = [...held.values()].map(({ lease }) => lease.epoch);
    return db.system.one<Situation>(sql`
      WITH joined AS (
        INSERT INTO kit.lease (name, holder, epoch, expires_at) VALUES (${member}, ${holder}, 0, now() + ${ttl}::interval)
        ON CONFLICT (name) DO UPDATE SET expires_at = excluded.expires_at
      ), renewed AS (
        UPDATE kit.lease l SET expires_at = now() + ${ttl}::interval
        FROM unnest(${[...held.keys()]}::text[], ${epochs}::bigint[]) AS mine (name, epoch)
        WHERE l.name = mine.name AND l.epoch = mine.epoch AND l.holder = ${holder} AND l.expires_at > now()
        RETURNING l.name
      )
      SELECT ARRAY(SELECT name FROM renewed) AS renewed,
        (SELECT count(*) FROM kit.lease
          WHERE starts_with(name, ${`member/${group}/`}) AND expires_at > now() AND name <> ${member}) + 1 AS members,
        ARRAY(SELECT name FROM unnest(${[...names]}::text[]) AS name
          WHERE NOT EXISTS (SELECT FROM kit.lease l WHERE l.name = name.name AND l.expires_at > now())) AS free`);
  }

  async function acquire(wanted: string[]): Promise<{ name: string; epoch: bigint }[]> {
    return db.system.rows(sql`
      INSERT INTO kit.lease AS l (name, holder, epoch, expires_at)
      SELECT name, ${holder}, 1, now() + ${ttl}::interval FROM unnest(${[...wanted].sort()}::text[]) AS name
      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = l.epoch + 1, expires_at = excluded.expires_at
        WHERE l.expires_at <= now()
      RETURNING name, epoch`);
  }

  async function giveBack(lease: Lease): Promise<void> {
    await db.system
      .run(
        sql`UPDATE kit.lease SET expires_at = now() WHERE name = ${lease.name} AND holder = ${holder} AND epoch = ${lease.epoch}`,
      )
      .catch((error: unknown) => logger.warn({ err: error, lease: lease.name }, 'a lease was not given back'));
  }

  async function workOn(lease: Lease): Promise<void> {
    while (!lease.signal.aborted) {
      try {
        await work(lease);
      } catch (error) {
        if (!lease.signal.aborted)
          logger.error({ err: error, lease: lease.name }, 'leased work failed and starts again');
      }
      await pause(RESTART_MS, lease.signal);
    }
  }

  function expireAfter(abort: AbortController, since: number): NodeJS.Timeout {
    return setTimeout(() => abort.abort(), Math.max(0, since + ttlMs * 0.9 - performance.now()));
  }

  function begin(name: string, epoch: bigint, since: number): void {
    const abort = new AbortController();
    const lease: Lease = { name, holder, epoch, signal: abort.signal };
    const done = workOn(lease).finally(async () => {
      const own = held.get(name);
      clearTimeout(own?.expiry);
      await giveBack(lease);
      if (own?.lease === lease) held.delete(name);
      wake();
    });
    held.set(name, { lease, abort, done, expiry: expireAfter(abort, since) });
  }

  async function tick(): Promise<void> {
    const since = performance.now();
    const { renewed, members, free } = await renew();
    for (const [name, own] of held) {
      if (own.abort.signal.aborted) continue;
      clearTimeout(own.expiry);
      if (renewed.includes(name)) own.expiry = expireAfter(own.abort, since);
      else own.abort.abort();
    }
    if (stopping) return;
    const share = Math.ceil(names.length / Number(members));
    const working = [...held.values()].filter((own) => !own.abort.signal.aborted);
    for (const own of working.slice(share)) own.abort.abort();
    const wanted = free.filter((name) => !held.has(name)).slice(0, Math.max(0, share - working.length));
    if (wanted.length === 0) return;
    const asked = performance.now();
    for (const { name, epoch } of await acquire(wanted)) begin(name, epoch, asked);
  }

  async function run(): Promise<void> {
    while (!stopping) {
      try {
        await tick();
      } catch (error) {
        logger.warn({ err: error, group }, 'leases could not be renewed');
      }
      if (stopping) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        timer = setTimeout(resolve, ttlMs * 0.3 * (0.9 + Math.random() * 0.2));
      });
      clearTimeout(timer);
    }
  }

  const running = run();
  return {
    stop: async () => {
      stopping = true;
      const all = [...held.values()];
      for (const own of all) own.abort.abort();
      wake();
      await running;
      await Promise.all([...held.values()].map((own) => (own.abort.abort(), own.done)));
      await db.system.run(sql`DELETE FROM kit.lease WHERE name = ${member}`).catch(() => undefined);
    },
  };
}
