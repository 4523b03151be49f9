import { get } from './client.js';
import type { CalendarDate, Paged } from './types.js';

export interface KpiPlan {
  /** `kpiPlans/{id}@{version}`. */
  name: string;
  version: number;
  title: string;
  startDate?: CalendarDate;
  endDate?: CalendarDate;
  unit: string;
  kpis: { id: string; factKind: string; weightBasisPoints: number; targetThousandths: string }[];
  state: string;
}

export interface Unit {
  name: string;
  title: string;
  kind: string;
  parent: string;
  organisationPath: string;
}

export interface Staff {
  name: string;
  displayName: string;
  unit: string;
}

export interface RankingRow {
  rank: number;
  staff: string;
  displayName: string;
  unit: string;
  totalMillionths: string;
}

export interface ScoringRun {
  name: string;
  plan: string;
  asOf: string;
  factCount: string;
  staffCount: number;
}

export interface KpiScore {
  kpi: string;
  factCount: string;
  actualThousandths: string;
  targetThousandths: string;
  attainmentMillionths: string;
  weightBasisPoints: number;
  pointsMillionths: string;
}

export interface Score {
  staff: string;
  plan: string;
  totalMillionths: string;
  kpis: KpiScore[];
}

export const listPlans = (signal?: AbortSignal) =>
  get<{ plans: KpiPlan[] } & Paged>('kpiPlans', { pageSize: 1000, state: 'PLAN_STATE_APPROVED' }, signal);

export const listUnits = (signal?: AbortSignal) =>
  get<{ organisationUnits: Unit[] } & Paged>('organisationUnits', { pageSize: 1000 }, signal);

export const listStaff = (signal?: AbortSignal) =>
  get<{ staff: Staff[] } & Paged>('staff', { pageSize: 1000, state: 'STAFF_STATE_ACTIVE' }, signal);

export const getRanking = (plan: string, unit: string, pageToken: string, signal?: AbortSignal) =>
  get<{ rows: RankingRow[]; run?: ScoringRun; totalSize: number } & Paged>(
    `${plan}/ranking`,
    { unit, pageSize: 20, pageToken },
    signal,
  );

export const getScore = (staff: string, which: { plan?: string; run?: string }, signal?: AbortSignal) =>
  get<{ score: Score; run?: ScoringRun }>(`${staff}/score`, which, signal);
