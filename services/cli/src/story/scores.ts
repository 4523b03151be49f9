import { Aggregation, FactKind, type GetRankingResponse, PlanState } from '@rapport/proto/performance/v1';
import type { Story } from './context.js';

/** Plans the KPIs, has them approved by somebody else, computes the scores of all staff. Gives the head of the ranking. */
export async function scoreStaff(story: Story): Promise<{ staff: number; ranking: GetRankingResponse; plan: string }> {
  const { bank, clients } = story;
  const step = story.progress.step('Scores');
  const planner = await clients.as(story.employee('planner'));
  const controller = await clients.as(story.employee('controller'));
  const id = `${bank.id}-story`;
  const kpi = (
    name: string,
    factKind: FactKind,
    aggregation: Aggregation,
    weightBasisPoints: number,
    targetThousandths: bigint,
  ) => ({ id: name, factKind, aggregation, weightBasisPoints, targetThousandths, capPercent: 150 });
  await clients.performance.createPlan(
    {
      requestId: story.request('plan'),
      planId: id,
      plan: {
        name: '',
        version: 0,
        title: 'Branch plan',
        startDate: { year: 1993, month: 1, day: 1 },
        endDate: { year: 2026, month: 12, day: 31 },
        unit: `organisationUnits/${bank.id}`,
        kpis: [
          kpi('referrals-won', FactKind.FACT_KIND_REFERRAL_WON, Aggregation.AGGREGATION_COUNT, 3_000, 1_000n),
          kpi('cases-in-time', FactKind.FACT_KIND_CASE_CLOSED_IN_TIME, Aggregation.AGGREGATION_COUNT, 2_500, 3_000n),
          kpi('survey-score', FactKind.FACT_KIND_SURVEY_SCORE, Aggregation.AGGREGATION_AVERAGE, 2_000, 4_500n),
          kpi('holdings-opened', FactKind.FACT_KIND_HOLDING_OPENED, Aggregation.AGGREGATION_COUNT, 2_500, 60_000n),
        ],
        state: PlanState.PLAN_STATE_UNSPECIFIED,
        author: '',
        approver: '',
        organisationPath: '',
        etag: '',
      },
    },
    planner,
  );
  const plan = `kpiPlans/${id}@1`;
  await clients.performance.approvePlan({ requestId: story.request('approve plan'), name: plan, etag: '' }, controller);
  const { run } = await clients.performance.computeScores({ requestId: story.request('scores'), plan });
  if (!run) throw new Error('the performance service answered without a scoring run');
  const ranking = await clients.performance.getRanking({
    plan,
    run: run.name,
    unit: `organisationUnits/${bank.id}`,
    pageSize: 20,
    pageToken: '',
  });
  step.done(`${run.staffCount} staff from ${run.factCount} facts`);
  return { staff: run.staffCount, ranking, plan };
}
