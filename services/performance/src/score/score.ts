import { type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';
import type { Score, ScoringRun } from '@rapport/proto/performance/v1';
import { concerning } from '../access/access.js';
import { planIn, planName, type PlanRow } from '../plan/plan.js';

/** A run as it is stored. */
export interface RunRow {
  runId: string;
  planId: string;
  version: number;
  asOf: Date;
  fingerprint: string;
  factCount: bigint;
  staffCount: number;
  averageTotal: bigint;
  author: string;
  organisationPath: string;
  createTime: Date;
}

/** The columns of a `RunRow`, of the table `run` under its own name. */
export const runColumns: Sql =
  sql.raw(`run.run_id AS "runId", run.plan_id AS "planId", run.version, run.as_of AS "asOf",
  run.fingerprint, run.fact_count AS "factCount", run.staff_count AS "staffCount", run.average_total AS "averageTotal",
  run.author, run.organisation_path AS "organisationPath", run.create_time AS "createTime"`);

/** What one person reached; the lists follow the order of the plan's KPIs. Postgres gives their numbers as text. */
export interface ScoreRow {
  staff: string;
  unitId: string;
  organisationPath: string;
  /** Millionths. */
  total: bigint;
  factCounts: (string | bigint)[];
  actuals: (string | bigint)[];
  attainments: (string | bigint)[];
  points: (string | bigint)[];
}

/** The columns of a `ScoreRow`, of the table `score` under its own name. */
export const scoreColumns: Sql = sql.raw(`score.staff, score.unit_id AS "unitId",
  score.organisation_path AS "organisationPath", score.total, score.fact_counts AS "factCounts", score.actuals,
  score.attainments, score.points`);

export function runName(id: string): string {
  return `scoringRuns/${id}`;
}

export function runIdIn(name: string): string {
  return name.slice('scoringRuns/'.length);
}

export function runMessage(row: RunRow): ScoringRun {
  return {
    name: runName(row.runId),
    plan: planName(row.planId, row.version),
    asOf: row.asOf,
    fingerprint: row.fingerprint,
    factCount: row.factCount,
    staffCount: row.staffCount,
    author: row.author,
    organisationPath: row.organisationPath,
    createTime: row.createTime,
  };
}

export function scoreMessage(row: ScoreRow, run: RunRow, plan: Pick<PlanRow, 'kpis'>): Score {
  return {
    staff: row.staff,
    run: runName(run.runId),
    plan: planName(run.planId, run.version),
    totalMillionths: row.total,
    kpis: plan.kpis.map((kpi, index) => ({
      kpi: kpi.id,
      factCount: BigInt(row.factCounts[index] ?? 0),
      actualThousandths: BigInt(row.actuals[index] ?? 0),
      targetThousandths: BigInt(kpi.target),
      attainmentMillionths: BigInt(row.attainments[index] ?? 0),
      weightBasisPoints: kpi.weight,
      pointsMillionths: BigInt(row.points[index] ?? 0),
    })),
    organisationPath: row.organisationPath,
  };
}

/** The named run, or the newest of the plan, as far as the scope may read it; a name must fit the plan when both are given. */
export function findRun(
  on: Queryable,
  which: { plan: string; run: string },
  scope: Scope,
): Promise<RunRow | undefined> {
  const wanted = [concerning(scope, 'run')];
  if (which.run !== '') wanted.push(sql`run.run_id = ${runIdIn(which.run)}::uuid`);
  if (which.plan !== '') {
    const { planId, version = 0 } = planIn(which.plan);
    wanted.push(sql`run.plan_id = ${planId} AND run.version = ${version}`);
  }
  return on.maybe<RunRow>(sql`
    SELECT ${runColumns} FROM run WHERE ${sql.join(wanted, ' AND ')} ORDER BY run.as_of DESC LIMIT 1`);
}
