import { type Sql, sql, type Tx } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import type { DateMessage } from '@rapport/proto/google/type';
import type { FactKind } from '@rapport/proto/performance/v1';
import { recordTime } from '../knowledge/knowledge.js';

/** What an event says that somebody achieved. */
export interface Achievement {
  /** Resource name, `staff/{id}`; not necessarily known here yet. */
  staff: string;
  kind: FactKind;
  /** Thousandths. */
  value: bigint;
  /** A day, or a moment whose day in the bank's time zone counts. */
  occurred: DateMessage | Date;
  organisationPath: string;
  eventType: string;
  eventId: string;
  /** The case, where a case counts once; only the event that came first for it counts. */
  onceFor?: string;
}

/** A fact as it is stored. */
export interface FactRow {
  factId: string;
  staff: string;
  eventId: string;
  kind: number;
  unitId: string;
  organisationPath: string;
  value: bigint;
  /** `YYYY-MM-DD`. */
  occurDate: string;
  recordTime: Date;
  eventType: string;
}

/** The columns of a `FactRow`, of the table `fact` under its own name. */
export const factColumns: Sql = sql.raw(`fact.fact_id AS "factId", fact.staff, fact.event_id AS "eventId", fact.kind,
  fact.unit_id AS "unitId", fact.organisation_path AS "organisationPath", fact.value, fact.occur_date AS "occurDate",
  fact.record_time AS "recordTime", fact.event_type AS "eventType"`);

/**
 * Stores what is not stored yet and tells how many that was. The same achievement again, from the same event, is stored
 * once; a case counts by its first event. `timeZone` decides the day of a moment.
 */
export async function storeFacts(tx: Tx, achieved: readonly Achievement[], timeZone: string): Promise<number> {
  if (achieved.length === 0) return 0;
  const once = achieved.filter((one) => one.onceFor !== undefined);
  if (once.length > 0) {
    await tx.run(sql`
      INSERT INTO counted_case (case_name, event_id)
      SELECT case_name, event_id FROM unnest(${once.map((one) => one.onceFor)}::text[],
        ${once.map((one) => one.eventId)}::uuid[]) AS closed (case_name, event_id)
      ON CONFLICT (case_name) DO NOTHING`);
  }
  const time = await recordTime(tx);
  return tx.run(sql`
    INSERT INTO fact (staff, event_id, kind, fact_id, unit_id, organisation_path, value, occur_date, record_time, event_type)
    SELECT one.staff, one.event, one.kind, one.id, coalesce(staff.unit_id, ''), one.path, one.value,
      coalesce(one.day, (one.moment AT TIME ZONE ${timeZone})::date), ${time}::timestamptz, one.type
    FROM unnest(${achieved.map((one) => one.staff)}::text[], ${achieved.map((one) => one.eventId)}::uuid[],
        ${achieved.map((one) => one.kind)}::smallint[], ${achieved.map(() => uuidv7())}::uuid[],
        ${achieved.map((one) => one.organisationPath)}::text[], ${achieved.map((one) => one.value)}::bigint[],
        ${achieved.map((one) => (one.occurred instanceof Date ? null : isoText(one.occurred)))}::date[],
        ${achieved.map((one) => (one.occurred instanceof Date ? one.occurred : null))}::timestamptz[],
        ${achieved.map((one) => one.eventType)}::text[], ${achieved.map((one) => one.onceFor ?? null)}::text[])
      AS one (staff, event, kind, id, path, value, day, moment, type, once)
      LEFT JOIN staff ON staff.staff = one.staff
      LEFT JOIN counted_case counted ON counted.case_name = one.once
    WHERE one.once IS NULL OR counted.event_id = one.event
    ON CONFLICT (staff, event_id, kind) DO NOTHING`);
}

function isoText({ year, month, day }: DateMessage): string {
  return `${String(year).padStart(4, '0')}-${month}-${day}`;
}
