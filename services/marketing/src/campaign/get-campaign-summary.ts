import { scopeFilter, sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import {
  DeliveryDecision,
  type GetCampaignSummaryRequest,
  type GetCampaignSummaryResponse,
} from '@rapport/proto/marketing/v1';
import { SENDING, telling } from '../delivery/delivery.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findCampaign } from './campaign.js';

interface Counted {
  /** A DeliveryDecision; what is on its way to the mail server counts as pending. */
  decision: DeliveryDecision;
  reason: number;
  count: bigint;
}

/**
 * Counts in one statement, so that the parts always add up to the audience. A golden record counts once, by the delivery
 * that tells what it got or will get: deliveries to its other names are taken away again. Merged parties are few, so that
 * the others are counted without being sorted.
 */
export async function getCampaignSummary(
  { db, clock }: Deps,
  request: GetCampaignSummaryRequest,
  call: Call,
): Promise<GetCampaignSummaryResponse> {
  const scope = call.scope;
  const campaign = await findCampaign(db.scoped(scope), scope, request.name);
  if (!campaign) throw fail('CAMPAIGN_NOT_FOUND', { metadata: { campaign: request.name } });
  const rows = await db.scoped(scope).rows<Counted>(sql`
    WITH name AS (
      SELECT party_id, golden_id FROM party_alias UNION SELECT golden_id, golden_id FROM party_alias
    ), told AS (
      SELECT d.state, d.reason, row_number() OVER (
        PARTITION BY n.golden_id ORDER BY array_position(${[...telling]}::smallint[], d.state), d.delivery_id) AS place
      FROM delivery d JOIN name n ON n.party_id = d.party_id
      WHERE d.campaign_id = ${campaign.campaignId}::uuid AND ${scopeFilter(scope, { path: 'd.organisation_path' })}
    ), counted AS (
      SELECT state, reason, count(*) AS count FROM delivery
      WHERE campaign_id = ${campaign.campaignId}::uuid AND ${scopeFilter(scope, { path: 'organisation_path' })}
      GROUP BY state, reason
      UNION ALL SELECT state, reason, -count(*) FROM told WHERE place > 1 GROUP BY state, reason
    )
    SELECT CASE state WHEN ${SENDING} THEN 1 ELSE state END AS decision, reason, sum(count)::bigint AS count FROM counted
    GROUP BY 1, 2 HAVING sum(count) > 0 ORDER BY 1, 2`);
  const of = (decision: DeliveryDecision): Counted[] => rows.filter((row) => row.decision === decision);
  const sum = (some: readonly Counted[]): bigint => some.reduce((total, { count }) => total + count, 0n);
  const reasons = (decision: DeliveryDecision) => of(decision).map(({ reason, count }) => ({ reason, count }));
  return {
    state: campaign.state,
    audience: sum(rows),
    pending: sum(of(DeliveryDecision.DELIVERY_DECISION_PENDING)),
    sent: sum(of(DeliveryDecision.DELIVERY_DECISION_SENT)),
    held: reasons(DeliveryDecision.DELIVERY_DECISION_HELD),
    suppressed: reasons(DeliveryDecision.DELIVERY_DECISION_SUPPRESSED),
    holdout: sum(of(DeliveryDecision.DELIVERY_DECISION_HOLDOUT)),
    failed: reasons(DeliveryDecision.DELIVERY_DECISION_FAILED),
    asOf: clock.now(),
  };
}
