import { type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';
import { etag } from '@rapport/kit/rpc';
import type { DateMessage } from '@rapport/proto/google/type';
import { type Kpi, type KpiPlan, PlanState } from '@rapport/proto/performance/v1';
import { concerning } from '../access/access.js';
import { unitName } from '../unit/unit.js';

/** A KPI as it is stored in the plan's JSON; scoring reads these keys. */
export interface StoredKpi {
  id: string;
  factKind: number;
  aggregation: number;
  /** Basis points. */
  weight: number;
  /** Thousandths; at most 10^12, so exact in JSON. */
  target: number;
  /** Percent. */
  cap: number;
}

/** A plan version as it is stored. Dates are `YYYY-MM-DD`. */
export interface PlanRow {
  planId: string;
  version: number;
  title: string;
  startDate: string;
  endDate: string;
  unitId: string;
  organisationPath: string;
  kpis: StoredKpi[];
  state: number;
  author: string;
  approver: string;
  createTime: Date;
  approveTime: Date | null;
}

/** The columns of a `PlanRow`, of the table `plan` under its own name. */
export const planColumns: Sql = sql.raw(`plan.plan_id AS "planId", plan.version, plan.title,
  plan.start_date AS "startDate", plan.end_date AS "endDate", plan.unit_id AS "unitId",
  plan.organisation_path AS "organisationPath", plan.kpis, plan.state, plan.author, plan.approver,
  plan.create_time AS "createTime", plan.approve_time AS "approveTime"`);

/** `kpiPlans/{id}@{version}`. */
export function planName(planId: string, version: number): string {
  return `kpiPlans/${planId}@${version}`;
}

/** The id and the version in a name that the contract's rules have checked; no version means the newest. */
export function planIn(name: string): { planId: string; version: number | undefined } {
  const [planId = '', version] = name.slice('kpiPlans/'.length).split('@');
  return { planId, version: version === undefined ? undefined : Number(version) };
}

/** The day as `YYYY-MM-DD`, or undefined when it is none of the calendar. */
export function isoDay({ year, month, day }: DateMessage): string | undefined {
  const text = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.valueOf()) && date.toISOString().startsWith(text) ? text : undefined;
}

export function dayMessage(iso: string): DateMessage {
  const [year = 0, month = 0, day = 0] = iso.split('-').map(Number);
  return { year, month, day };
}

export function storedKpi(kpi: Kpi): StoredKpi {
  return {
    id: kpi.id,
    factKind: kpi.factKind,
    aggregation: kpi.aggregation,
    weight: kpi.weightBasisPoints,
    target: Number(kpi.targetThousandths),
    cap: kpi.capPercent,
  };
}

export function planMessage(row: PlanRow): KpiPlan {
  return {
    name: planName(row.planId, row.version),
    version: row.version,
    title: row.title,
    startDate: dayMessage(row.startDate),
    endDate: dayMessage(row.endDate),
    unit: unitName(row.unitId),
    kpis: row.kpis.map((kpi) => ({
      id: kpi.id,
      factKind: kpi.factKind,
      aggregation: kpi.aggregation,
      weightBasisPoints: kpi.weight,
      targetThousandths: BigInt(kpi.target),
      capPercent: kpi.cap,
    })),
    state: row.state,
    author: row.author,
    approver: row.approver,
    organisationPath: row.organisationPath,
    createTime: row.createTime,
    approveTime: row.approveTime ?? undefined,
    etag: planEtag(row),
  };
}

export function planEtag(row: PlanRow): string {
  return etag(row.planId, row.version, row.state, row.organisationPath);
}

export function isApproved(row: PlanRow): boolean {
  return row.state === PlanState.PLAN_STATE_APPROVED;
}

/** The plan version, or the newest, when it may be read with the scope. */
export function findPlan(on: Queryable, name: string, scope: Scope): Promise<PlanRow | undefined> {
  const { planId, version } = planIn(name);
  const wanted = version === undefined ? sql.empty : sql`AND plan.version = ${version}`;
  return on.maybe<PlanRow>(sql`
    SELECT ${planColumns} FROM plan
    WHERE plan.plan_id = ${planId} ${wanted} AND ${concerning(scope, 'plan')}
    ORDER BY plan.version DESC LIMIT 1`);
}
