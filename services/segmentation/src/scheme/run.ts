import { type Queryable, sql, type Sql, type Tx } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import type { SchemeRun, SchemeRunKind, SchemeRunState } from '@rapport/proto/segmentation/v1';
import type { DayNumber } from '../rule/rule.js';
import { dateMessage, dateText, dayOf } from '../segment/segment.js';
import { type SchemeRow, schemeVersionName } from './scheme.js';

/** A run, as Postgres gives it. */
export interface RunRow {
  run_id: string;
  scheme_id: string;
  version: number;
  kind: SchemeRunKind;
  state: SchemeRunState;
  as_of: string;
  step: string;
  steps_done: number;
  steps_total: number;
  reason: string;
  message: string;
  changed: bigint;
  attempts: number;
  created_by: string;
  create_time: Date;
  start_time: Date | null;
  finish_time: Date | null;
}

/** What `RunRow` is selected with. */
export const runColumns: Sql = sql`r.run_id, r.scheme_id, r.version, r.kind, r.state, r.as_of, r.step, r.steps_done,
  r.steps_total, r.reason, r.message, r.changed, r.attempts, r.created_by, r.create_time, r.start_time, r.finish_time`;

/** The run as the contract shows it. */
export function runMessage(row: RunRow): SchemeRun {
  return {
    name: `schemeRuns/${row.run_id}`,
    schemeVersion: schemeVersionName(row),
    kind: row.kind,
    state: row.state,
    asOf: dateMessage(dayOf(row.as_of) ?? 0),
    step: row.step,
    stepsDone: row.steps_done,
    stepsTotal: row.steps_total,
    reason: row.reason,
    message: row.message,
    changed: row.changed,
    createTime: row.create_time,
    startTime: row.start_time ?? undefined,
    finishTime: row.finish_time ?? undefined,
    createdBy: row.created_by,
  };
}

/** The run by its id. */
export function findRun(on: Queryable, runId: string): Promise<RunRow | undefined> {
  return on.maybe<RunRow>(sql`SELECT ${runColumns} FROM scheme_run r WHERE r.run_id = ${runId}::uuid`);
}

/** Asks for a run; gives the one under way when the same work for the same day is asked for already. */
export async function askRun(
  tx: Tx,
  row: SchemeRow,
  { kind, day, by, at }: { kind: SchemeRunKind; day: DayNumber; by: string; at: Date },
): Promise<RunRow> {
  const runId = uuidv7();
  await tx.run(sql`
    INSERT INTO scheme_run (run_id, scheme_id, version, kind, as_of, created_by, create_time)
    VALUES (${runId}::uuid, ${row.scheme_id}, ${row.version}, ${kind}, ${dateText(day)}::date, ${by}, ${at})
    ON CONFLICT (scheme_id, version, kind, as_of) WHERE state <= 2 DO NOTHING`);
  return tx.one<RunRow>(sql`
    SELECT ${runColumns} FROM scheme_run r WHERE r.scheme_id = ${row.scheme_id} AND r.version = ${row.version}
      AND r.kind = ${kind} AND r.as_of = ${dateText(day)}::date AND (r.state <= 2 OR r.run_id = ${runId}::uuid)`);
}
