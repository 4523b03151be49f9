import { type Queryable, type Sql, sql, type Tx } from '@rapport/kit/db';
import { Aggregation, StaffState } from '@rapport/proto/performance/v1';
import { planName, type PlanRow } from '../plan/plan.js';
import type { ScoreRow } from './score.js';

/** What goes into a score: a plan version and what was known at a moment. */
export interface Inputs {
  plan: Pick<PlanRow, 'planId' | 'version' | 'startDate' | 'endDate' | 'unitId' | 'kpis'>;
  asOf: Date;
}

/** What a run computed over all. */
export interface Summary {
  staffCount: number;
  /** Mean of the totals in millionths, without the remainder. */
  averageTotal: bigint;
}

/**
 * `kpi` and `scored`: the plan's KPIs in their order, and who is scored: everybody known at the moment to be active in the
 * plan's unit or below it, where both stood then.
 */
function people({ plan, asOf }: Inputs, only?: string): Sql {
  const one = only === undefined ? sql.empty : sql`AND staff = ${only}`;
  return sql`
    kpi AS MATERIALIZED (
      SELECT ordinal, (one ->> 'factKind')::smallint AS kind, (one ->> 'aggregation')::smallint AS aggregation,
        (one ->> 'weight')::numeric AS weight, (one ->> 'target')::numeric AS target, (one ->> 'cap')::numeric AS cap
      FROM jsonb_array_elements(${JSON.stringify(plan.kpis)}::jsonb) WITH ORDINALITY AS listed (one, ordinal)
    ), place AS MATERIALIZED (
      SELECT organisation_path AS path FROM unit_history
      WHERE unit_id = ${plan.unitId} AND record_time <= ${asOf} ORDER BY version DESC LIMIT 1
    ), known AS (
      SELECT DISTINCT ON (staff) staff, unit_id, organisation_path, state FROM staff_history
      WHERE record_time <= ${asOf} ${one} ORDER BY staff, version DESC
    ), scored AS MATERIALIZED (
      SELECT staff, unit_id, organisation_path FROM known CROSS JOIN place
      WHERE state = ${StaffState.STAFF_STATE_ACTIVE}
        AND (organisation_path = path OR (organisation_path >= path || '/' AND organisation_path < path || '0'))
    )`;
}

/** The facts that count: of kinds in the plan, in its period, known at the moment, of who is scored. */
function counting({ plan, asOf }: Inputs): Sql {
  return sql`fact JOIN scored USING (staff)
    WHERE fact.kind IN (SELECT kind FROM kpi) AND fact.occur_date BETWEEN ${plan.startDate}::date AND ${plan.endDate}::date
      AND fact.record_time <= ${asOf}`;
}

/**
 * `reached`: one row a person with the figures of all KPIs. The formula stands in the contract, at Kpi. Everything is an
 * integer or a numeric without a fraction, and `div` drops remainders, so no order of addition can change a result.
 */
function figures(inputs: Inputs, only?: string): Sql {
  return sql`${people(inputs, only)}, tally AS MATERIALIZED (
      SELECT fact.staff, fact.kind, count(*)::numeric AS facts, sum(fact.value) AS value
      FROM ${counting(inputs)} GROUP BY fact.staff, fact.kind
    ), actual AS (
      SELECT scored.*, kpi.*, coalesce(facts, 0) AS facts, CASE
          WHEN facts IS NULL THEN 0
          WHEN aggregation = ${Aggregation.AGGREGATION_COUNT} THEN facts * 1000
          WHEN aggregation = ${Aggregation.AGGREGATION_SUM} THEN value
          ELSE div(value, facts) END AS actual
      FROM scored CROSS JOIN kpi LEFT JOIN tally ON tally.staff = scored.staff AND tally.kind = kpi.kind
    ), attained AS (
      SELECT *, least(div(greatest(actual, 0) * 1000000, target), 9223372036854775807) AS attainment FROM actual
    ), earned AS (
      SELECT *, div(weight * least(attainment, cap * 10000), 10000) AS points FROM attained
    ), reached AS (
      SELECT staff, unit_id, organisation_path, sum(points)::bigint AS total,
        array_agg(facts::bigint ORDER BY ordinal) AS fact_counts, array_agg(actual::bigint ORDER BY ordinal) AS actuals,
        array_agg(attainment::bigint ORDER BY ordinal) AS attainments, array_agg(points::bigint ORDER BY ordinal) AS points
      FROM earned GROUP BY staff, unit_id, organisation_path
    )`;
}

/** Stores the scores of a run in one statement. */
export async function storeScores(tx: Tx, inputs: Inputs, runId: string): Promise<Summary> {
  return tx.one<Summary>(sql`
    WITH ${figures(inputs)}, stored AS (
      INSERT INTO score (run_id, staff, unit_id, organisation_path, total, fact_counts, actuals, attainments, points)
      SELECT ${runId}::uuid, staff, unit_id, organisation_path, total, fact_counts, actuals, attainments, points FROM reached
      RETURNING total
    )
    SELECT count(*)::integer AS "staffCount", coalesce(div(sum(total), count(*)), 0)::bigint AS "averageTotal" FROM stored`);
}

/** Computes the score of one person anew; undefined when the person was not to be scored. Stores nothing. */
export function computeScore(on: Queryable, inputs: Inputs, staff: string): Promise<ScoreRow | undefined> {
  return on.maybe<ScoreRow>(sql`
    WITH ${figures(inputs, staff)}
    SELECT staff, unit_id AS "unitId", organisation_path AS "organisationPath", total, fact_counts AS "factCounts", actuals,
      attainments, points FROM reached`);
}

/** SHA-256 over the plan version, the people in order, each with the digest of the facts in order; and how many facts. */
export function fingerprint(on: Queryable, inputs: Inputs): Promise<{ fingerprint: string; factCount: bigint }> {
  return on.one(sql`
    WITH ${people(inputs)}, digest AS (
      SELECT staff, count(*) AS facts, encode(sha256(convert_to(string_agg(
        concat_ws('|', fact.kind, to_char(fact.occur_date, 'YYYY-MM-DD'), fact.event_id, fact.value), chr(10)
        ORDER BY fact.kind, fact.occur_date, fact.event_id), 'UTF8')), 'hex') AS hash
      FROM ${counting(inputs)} GROUP BY staff
    )
    SELECT encode(sha256(convert_to(${planText(inputs)} || coalesce(string_agg(
        concat_ws('|', staff, unit_id, organisation_path, coalesce(hash, '')), chr(10) ORDER BY staff), ''), 'UTF8')), 'hex')
        AS fingerprint,
      coalesce(sum(facts), 0)::bigint AS "factCount"
    FROM scored LEFT JOIN digest USING (staff)`);
}

function planText({ plan }: Inputs): string {
  const kpis = plan.kpis.map((kpi) => [kpi.id, kpi.factKind, kpi.aggregation, kpi.weight, kpi.target, kpi.cap]);
  const text = [planName(plan.planId, plan.version), plan.startDate, plan.endDate, plan.unitId, kpis];
  return `${JSON.stringify(text)}\n`;
}
