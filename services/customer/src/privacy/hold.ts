import { type Queryable, type Sql, sql } from '@rapport/kit/db';
import type { LegalHold } from '@rapport/proto/customer/v1';

/** A hold as it is stored. */
export interface HoldRow {
  partyId: string;
  holdId: string;
  reason: number;
  endTime: Date;
  placedBy: string;
  placeTime: Date;
  releasedBy: string;
  releaseTime: Date | null;
}

export const holdColumns: Sql = sql.raw(`party_id AS "partyId", hold_id AS "holdId", reason, end_time AS "endTime",
  placed_by AS "placedBy", place_time AS "placeTime", released_by AS "releasedBy", release_time AS "releaseTime"`);

/** `parties/{uuid}/legalHolds/{uuid}`. */
export function holdName(row: Pick<HoldRow, 'partyId' | 'holdId'>): string {
  return `parties/${row.partyId}/legalHolds/${row.holdId}`;
}

/** The message of a row. */
export function holdMessage(row: HoldRow): LegalHold {
  const { reason, endTime, placedBy, placeTime, releasedBy } = row;
  return {
    name: holdName(row),
    reason,
    endTime,
    placedBy,
    placeTime,
    releasedBy,
    releaseTime: row.releaseTime ?? undefined,
  };
}

/** Until when the holds in force keep the parties; undefined when none does. */
export async function heldUntil(on: Queryable, members: readonly string[], now: Date): Promise<Date | undefined> {
  const { until } = await on.one<{ until: Date | null }>(sql`
    SELECT max(end_time) AS until FROM legal_hold
    WHERE party_id = ANY(${[...members]}::uuid[]) AND release_time IS NULL AND end_time > ${now}`);
  return until ?? undefined;
}
