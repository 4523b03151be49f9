import { setTimeout as sleep } from 'node:timers/promises';
import { audit, systemCaller } from '../crypto/index.js';
import { type Database, everything, horizon, leased, type Queryable, sql, type Tx } from '../db/index.js';
import { logger, type Running } from '../runtime/index.js';
import { gauge, metric } from '../telemetry/index.js';

/** An aggregate that is erased everywhere, because of a request. */
export interface Erasure {
  /** Its id, as events name their aggregate. */
  aggregate: string;
  /** The same as a resource name, `parties/{uuid}`. */
  subject: string;
  /** What asked for it, a resource name. */
  request: string;
  /** Where in the bank it stood. */
  organisationPath: string;
}

/** How many rows of each kind were removed. */
export type Counts = Readonly<Record<string, number>>;

/** Counts as contracts have them. */
export function countsOf(counts: Counts): Record<string, bigint> {
  return Object.fromEntries(Object.entries(counts).map(([kind, count]) => [kind, BigInt(count)]));
}

/**
 * Notes with the transaction that an aggregate is erased: from its commit on, no consumer of this database applies an
 * event of it, whether redelivered or sent again by a restored broker. What is kept of it is removed by `startEraser`.
 * Repeating it changes nothing.
 */
export async function entomb(tx: Tx, { aggregate, subject, request, organisationPath }: Erasure): Promise<void> {
  await tx.run(sql`
    INSERT INTO kit.tombstone (aggregate, subject, request, organisation_path)
    VALUES (${aggregate}, ${subject}, ${request}, ${organisationPath}) ON CONFLICT (aggregate) DO NOTHING`);
}

/**
 * Notes erasures anew, after a restore brought back what was removed: as `entomb`, and those that are known are carried
 * out and forgotten by the stream once more. Gives how many were known.
 */
export async function entombAgain(tx: Tx, erasures: readonly Erasure[]): Promise<number> {
  const rows = await tx.rows<{ known: boolean }>(sql`
    INSERT INTO kit.tombstone AS t (aggregate, subject, request, organisation_path)
    SELECT * FROM unnest(${erasures.map(({ aggregate }) => aggregate)}::text[],
      ${erasures.map(({ subject }) => subject)}::text[], ${erasures.map(({ request }) => request)}::text[],
      ${erasures.map(({ organisationPath }) => organisationPath)}::text[])
    ORDER BY 1
    ON CONFLICT (aggregate) DO UPDATE SET answered_at = NULL, forgotten_at = NULL, xid = pg_current_xact_id()
    RETURNING erased_at <> now() AS known`);
  return rows.filter(({ known }) => known).length;
}

/** An erasure with its times in this service. */
export interface KnownErasure extends Erasure {
  erased: Date;
  answered: Date | null;
}

/** Which erasures are listed. */
interface ErasedFilter {
  since: Date | undefined;
  /** Only those that are not carried out yet. */
  openOnly: boolean;
  after: { erased: Date; aggregate: string } | undefined;
  limit: number;
}

/** Lists what was erased since a time, oldest first, `limit` of them behind `after`. */
export function listErased(on: Queryable, { since, openOnly, after, limit }: ErasedFilter): Promise<KnownErasure[]> {
  // Pages are cut at milliseconds, which is what a page token keeps.
  return on.rows<KnownErasure>(sql`
    SELECT aggregate, subject, request, organisation_path AS "organisationPath",
      date_trunc('milliseconds', erased_at) AS erased, answered_at AS answered
    FROM kit.tombstone
    WHERE subject <> '' ${openOnly ? sql`AND answered_at IS NULL` : sql.empty} ${since ? sql`AND erased_at >= ${since}` : sql.empty}
      ${after ? sql`AND (date_trunc('milliseconds', erased_at), aggregate) > (${after.erased}, ${after.aggregate})` : sql.empty}
    ORDER BY 5, aggregate LIMIT ${limit}`);
}

/** Which of these aggregates were erased. Ask after writing to a store that knows no transactions, and remove them then. */
export async function erasedAmong(on: Queryable, aggregates: readonly string[]): Promise<string[]> {
  if (aggregates.length === 0) return [];
  const rows = await on.rows<{ aggregate: string }>(sql`
    SELECT aggregate FROM kit.tombstone WHERE aggregate = ANY(${[...aggregates]}::text[])`);
  return rows.map(({ aggregate }) => aggregate);
}

/**
 * Removes what kit's own tables hold of these resources and all below them: stored answers of calls, and dead letters of
 * the aggregate. Gives how many rows there were.
 */
export async function eraseKept(tx: Tx, aggregate: string, resources: readonly string[]): Promise<Counts> {
  const letters = await tx.run(sql`DELETE FROM kit.dead_letter WHERE aggregate = ${aggregate}`);
  let answers = 0;
  for (const resource of resources) {
    // In the order of bytes 0 comes next after the slash.
    answers += await tx.run(sql`
      DELETE FROM kit.idempotency
      WHERE resource = ${resource} OR (resource ~>=~ ${`${resource}/`} AND resource ~<~ ${`${resource}0`})`);
  }
  return { dead_letters: letters, stored_answers: answers };
}

/** What a service does to erase. */
export interface EraserOptions<P> {
  db: Database<P>;
  /** The service's name, `marketing`. */
  service: string;
  /** Removes what lies outside of Postgres; must be repeatable. */
  outside?: (erasure: Erasure) => Promise<Counts>;
  /** Removes what lies in the service's own tables. `resources` are further names that stored answers may be about. */
  erase: (tx: Tx<P>, erasure: Erasure) => Promise<{ counts: Counts; resources?: readonly string[] }>;
  /** Publishes the receipt, in the same transaction. */
  answer: (tx: Tx<P>, erasure: Erasure, counts: Counts) => Promise<void>;
  /** How often it looks, in milliseconds; 1000 unless told. */
  everyMs?: number;
}

/**
 * Carries out the erasures that `entomb` noted: each in a transaction of its own that removes, audits and answers, or
 * does nothing. It begins with one only when every transaction that may have begun before its tombstone is over, so that
 * nothing comes in behind it. One that fails is tried again and holds up no other. Gives how many were carried out.
 */
export async function carryOutErasures<P>(options: EraserOptions<P>): Promise<number> {
  const { db, service, outside, erase, answer } = options;
  const waiting = await db.system.rows<Erasure>(sql`
    SELECT aggregate, subject, request, organisation_path AS "organisationPath" FROM kit.tombstone
    WHERE answered_at IS NULL AND xid < ${horizon} ORDER BY erased_at LIMIT 100`);
  let carriedOut = 0;
  for (const erasure of waiting) {
    try {
      const elsewhere = (await outside?.(erasure)) ?? {};
      await db.transaction(everything, async (tx) => {
        const mine = await tx.run(sql`
          UPDATE kit.tombstone SET answered_at = now() WHERE aggregate = ${erasure.aggregate} AND answered_at IS NULL`);
        if (mine === 0) return;
        const own = await erase(tx, erasure);
        const kept = await eraseKept(tx, erasure.aggregate, [erasure.subject, ...(own.resources ?? [])]);
        const counts = { ...own.counts, ...elsewhere, ...kept };
        await audit(tx, systemCaller(service, 'Erase'), { resource: erasure.subject, change: { erased: counts } });
        await answer(tx, erasure, counts);
      });
      carriedOut += 1;
    } catch (error) {
      logger.error({ err: error, service, subject: erasure.subject }, 'an erasure failed and is tried again');
    }
  }
  return carriedOut;
}

/** Carries out erasures as they come, in one process of all replicas at a time. */
export function startEraser<P>(options: EraserOptions<P>): Running {
  const db = options.db as Database;
  const working = leased({
    db,
    group: 'eraser',
    names: ['eraser'],
    work: async ({ signal }) => {
      while (!signal.aborted) {
        await carryOutErasures(options);
        await sleep(options.everyMs ?? 1000, undefined, { signal }).catch(() => undefined);
      }
    },
  });
  const unobserve = observeErasures(db);
  return {
    stop: async () => {
      unobserve();
      await working.stop();
    },
  };
}

/** Shows the age of the oldest erasure that is not answered here. Gives the function that stops it. */
export function observeErasures(db: Database): () => void {
  return gauge(metric.erasureAge, async () => {
    const { age } = await db.system.one<{ age: number }>(sql`
      SELECT coalesce(extract(epoch FROM now() - min(erased_at)), 0)::float8 AS age FROM kit.tombstone
      WHERE answered_at IS NULL`);
    return age;
  });
}
