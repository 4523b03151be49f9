import { type Database, sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';

/** A delivery that this worker has for a while. */
export interface Claimed {
  partyId: string;
  campaignId: string;
  deliveryId: string;
  organisationPath: string;
  manager: string;
  /** Where it stood when it was taken. */
  state: number;
  reason: number;
  attempts: number;
  sendAttempts: number;
  traceparent: string;
}

/** What a worker took at once. */
export interface Batch {
  /** The name of the claim: whoever does not find it in a row has lost the row. */
  lease: string;
  until: Date;
  rows: Claimed[];
}

/**
 * Takes what is due, oldest first, for `leaseMs` milliseconds. Several workers never take the same row: each skips what
 * another is taking, and what is taken is not due. What a dead worker had is due again when its lease is over.
 */
export async function claimBatch(db: Database, now: Date, size: number, leaseMs: number): Promise<Batch> {
  const lease = uuidv7();
  const until = new Date(now.getTime() + leaseMs);
  const rows = await db.system.rows<Claimed>(sql`
    WITH due AS (
      SELECT party_id, campaign_id FROM delivery
      WHERE due_time <= ${now} ORDER BY due_time LIMIT ${size} FOR UPDATE SKIP LOCKED
    )
    UPDATE delivery d SET due_time = ${until}, lease = ${lease}::uuid FROM due
    WHERE d.party_id = due.party_id AND d.campaign_id = due.campaign_id
    RETURNING d.party_id AS "partyId", d.campaign_id AS "campaignId", d.delivery_id AS "deliveryId",
      d.organisation_path AS "organisationPath", d.manager, d.state, d.reason, d.attempts,
      d.send_attempts AS "sendAttempts", d.traceparent`);
  return { lease, until, rows };
}

/** Gives rows back that were not worked on, so that another worker need not wait for the end of the lease. */
export async function giveBack(db: Database, now: Date, lease: string, rows: readonly Claimed[]): Promise<void> {
  if (rows.length === 0) return;
  await db.system.run(sql`
    UPDATE delivery d SET due_time = ${now}, lease = NULL
    FROM unnest(${rows.map((row) => row.partyId)}::uuid[], ${rows.map((row) => row.campaignId)}::uuid[])
      AS mine (party_id, campaign_id)
    WHERE d.party_id = mine.party_id AND d.campaign_id = mine.campaign_id AND d.lease = ${lease}::uuid`);
}
