import { type Sql, sql } from './sql.js';

/**
 * The transaction (xid8) below which nothing can appear any more in this database, as an expression for a WHERE clause;
 * evaluated once per query. Rows that carry pg_current_xact_id() and lie below it are complete.
 *
 * pg_snapshot_xmin() would do, but it counts the transactions of every database of the cluster: one long import there
 * would hold back everybody's events. So the transactions in progress of the snapshot are asked one by one, and only
 * those are left out that are seen at work in another database. One that has ended meanwhile, or is prepared, is seen
 * nowhere and counts as ours until the next snapshot. Ask once in a transaction: Postgres shows the sessions as they were
 * when the transaction first looked.
 */
export const horizon: Sql = sql.raw(`(SELECT coalesce(
    (SELECT running FROM pg_snapshot_xip(pg_current_snapshot()) AS running
      WHERE NOT EXISTS (
        SELECT FROM pg_stat_activity AS elsewhere JOIN pg_database AS ours ON ours.datname = current_database()
        WHERE elsewhere.backend_xid = running::xid AND elsewhere.datid <> ours.oid)
      ORDER BY running LIMIT 1),
    pg_snapshot_xmax(pg_current_snapshot())))`);
