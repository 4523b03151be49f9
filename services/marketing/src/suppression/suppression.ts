import { type Queryable, sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import type { Suppression } from '@rapport/proto/marketing/v1';
import { Channel } from '@rapport/proto/type/v1';

export interface SuppressionRow {
  suppressionId: string;
  partyId: string;
  /** 0 is every channel. */
  channel: number;
  /** Empty is every purpose. */
  purpose: string;
  reason: string;
  organisationPath: string;
  expireTime: Date | null;
  createdBy: string;
  createTime: Date;
}

export const suppressionColumns = sql.raw(`suppression_id AS "suppressionId", party_id AS "partyId", channel, purpose,
  reason, organisation_path AS "organisationPath", expire_time AS "expireTime", created_by AS "createdBy",
  create_time AS "createTime"`);

export function toSuppression(row: SuppressionRow): Suppression {
  return {
    name: `suppressions/${row.suppressionId}`,
    party: `parties/${row.partyId}`,
    channel: row.channel,
    purpose: row.purpose,
    reason: row.reason,
    organisationPath: row.organisationPath,
    expireTime: row.expireTime ?? undefined,
    createdBy: row.createdBy,
    createTime: row.createTime,
  };
}

export type NewSuppression = Omit<SuppressionRow, 'suppressionId'>;

/** Adds a suppression unless the same holds already, and gives the one that holds. One that has ended is replaced. */
export function putSuppression(tx: Queryable, row: NewSuppression): Promise<SuppressionRow> {
  return tx.one<SuppressionRow>(sql`
    INSERT INTO suppression AS old (suppression_id, party_id, channel, purpose, reason, organisation_path, expire_time,
      created_by, create_time)
    VALUES (${uuidv7()}, ${row.partyId}, ${row.channel}, ${row.purpose}, ${row.reason}, ${row.organisationPath},
      ${row.expireTime}, ${row.createdBy}, ${row.createTime})
    ON CONFLICT (party_id, channel, purpose, organisation_path) DO UPDATE SET
      suppression_id = CASE WHEN old.expire_time <= excluded.create_time THEN excluded.suppression_id ELSE old.suppression_id END,
      reason = CASE WHEN old.expire_time <= excluded.create_time THEN excluded.reason ELSE old.reason END,
      created_by = CASE WHEN old.expire_time <= excluded.create_time THEN excluded.created_by ELSE old.created_by END,
      create_time = CASE WHEN old.expire_time <= excluded.create_time THEN excluded.create_time ELSE old.create_time END,
      expire_time = CASE WHEN old.expire_time <= excluded.create_time THEN excluded.expire_time
        ELSE nullif(greatest(coalesce(old.expire_time, 'infinity'), coalesce(excluded.expire_time, 'infinity')), 'infinity') END
    RETURNING ${suppressionColumns}`);
}

/** The suppressions of each of the parties that hold at the moment. */
export async function suppressionsOf(
  db: Queryable,
  partyIds: readonly string[],
  now: Date,
): Promise<Map<string, SuppressionRow[]>> {
  const rows = await db.rows<SuppressionRow>(sql`
    SELECT ${suppressionColumns} FROM suppression
    WHERE party_id = ANY(${partyIds}::uuid[]) AND (expire_time IS NULL OR expire_time > ${now})`);
  return Map.groupBy(rows, (row) => row.partyId);
}

/** Whether a suppression forbids a message. */
export function forbids(row: Pick<SuppressionRow, 'channel' | 'purpose'>, channel: Channel, purpose: string): boolean {
  return (
    (row.channel === Channel.CHANNEL_UNSPECIFIED || row.channel === channel) &&
    (row.purpose === '' || row.purpose === purpose)
  );
}
