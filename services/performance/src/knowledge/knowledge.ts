import { type Queryable, sql } from '@rapport/kit/db';

/*
 * A score is computed from what was known at a moment, and computes to the same figures ever after. For that, whatever is
 * recorded at or before a moment must be committed when the moment is scored. Writers of facts, units and staff hold the
 * lock in shared mode from before they read the clock until they commit; a scoring run passes through it alone, which
 * takes two milliseconds: then every earlier writer has committed, and every later one records a later time. Times are
 * those of Postgres, in whole milliseconds.
 */
const KNOWLEDGE_LOCK = 7_202_601_551n;

/** Units move one at a time, while nothing is added to the tree: a move must see all that lies below it. */
const TREE_LOCK = 7_202_601_552n;

/** The time at which what this transaction writes becomes known. Holds scoring runs up until the commit: read it late. */
export async function recordTime(tx: Queryable): Promise<Date> {
  await tx.rows(sql`SELECT pg_advisory_xact_lock_shared(${KNOWLEDGE_LOCK})`);
  const { now } = await tx.one<{ now: Date }>(sql`SELECT date_trunc('milliseconds', clock_timestamp()) AS now`);
  return now;
}

/** A moment that has passed for everybody: nothing is recorded at or before it any more. */
export async function knowledgeTime(on: Queryable): Promise<Date> {
  const { now } = await on.one<{ now: Date }>(sql`
    WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(${KNOWLEDGE_LOCK}) IS NULL AS alone),
      moment AS MATERIALIZED (
        SELECT date_trunc('milliseconds', clock_timestamp()) AS now FROM locked WHERE alone IS NOT NULL),
      passed AS MATERIALIZED (SELECT now, pg_sleep(0.002) IS NULL AS slept FROM moment)
    SELECT now FROM passed WHERE slept IS NOT NULL`);
  return now;
}

/** Lets the transaction add to the tree: its paths stay until the commit. */
export async function keepTree(tx: Queryable): Promise<void> {
  await tx.rows(sql`SELECT pg_advisory_xact_lock_shared(${TREE_LOCK})`);
}

/** Lets the transaction move units: nobody else moves or adds any until the commit. */
export async function changeTree(tx: Queryable): Promise<void> {
  await tx.rows(sql`SELECT pg_advisory_xact_lock(${TREE_LOCK})`);
}
