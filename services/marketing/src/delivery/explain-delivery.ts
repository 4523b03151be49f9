import { scopeFilter, sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import {
  DeliveryDecision,
  DeliveryReason,
  type ExplainDeliveryRequest,
  type ExplainDeliveryResponse,
} from '@rapport/proto/marketing/v1';
import { uuidOf } from '../access/access.js';
import { findCampaign } from '../campaign/campaign.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { membersOf } from '../merge/merge.js';
import { type DeliveryRow, deliveryColumns, explain, telling, toDelivery } from './delivery.js';

/** Whoever may see the party may ask, also where the campaign is one of the whole bank. */
export async function explainDelivery(
  { db, reads }: Deps,
  request: ExplainDeliveryRequest,
  call: Call,
): Promise<ExplainDeliveryResponse> {
  const scope = call.scope;
  const row = await db.scoped(scope).maybe<DeliveryRow>(sql`
    SELECT ${deliveryColumns} FROM delivery
    WHERE party_id = ANY(${membersOf(uuidOf(request.party) ?? null)})
      AND campaign_id = ${uuidOf(request.campaign) ?? null}::uuid
      AND ${scopeFilter(scope, { path: 'organisation_path', manager: 'manager' })}
    ORDER BY array_position(${[...telling]}::smallint[], state), delivery_id LIMIT 1`);
  if (row) {
    const delivery = toDelivery(row);
    await reads.record(call, delivery.party);
    return {
      decision: delivery.decision,
      reason: delivery.reason,
      explanation: explain(delivery.reason),
      delivery,
    };
  }
  const campaign = await findCampaign(db.scoped(scope), scope, request.campaign);
  if (!campaign) throw fail('CAMPAIGN_NOT_FOUND', { metadata: { campaign: request.campaign } });
  const reason = DeliveryReason.DELIVERY_REASON_NOT_A_MEMBER;
  await reads.record(call, request.party);
  return {
    decision: DeliveryDecision.DELIVERY_DECISION_NOT_IN_AUDIENCE,
    reason,
    explanation: explain(reason),
    delivery: undefined,
  };
}
